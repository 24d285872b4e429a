// SPDX-License-Identifier: MIT
#pragma once
// Answers that the handlers of the gateway's own API share: documents, which no cache may store,
// and refusals. Each function answers the exchange.

#include <stddef.h>

#include "base/json.h"
#include "base/status.h"
#include "db/token_outcome.h"

struct gw_exchange;

// The document, with Cache-Control: no-store, for it may hold a secret. Finishes `json`; 503 when
// it has an error.
void gw_api_reply_json(struct gw_exchange *exchange, int status, struct gw_json_writer *json);
// 503, for a statement that ended with `status`. GW_BUSY: the change waited for another one too
// long; any other: the database did not answer.
void gw_api_reply_database(struct gw_exchange *exchange, enum gw_status status);
// For a change that was not made. GW_DENIED: `refusal` says why; GW_NOT_FOUND: there is no such
// token; any other: gw_api_reply_database.
void gw_api_reply_change(struct gw_exchange *exchange, enum gw_status status,
                         enum db_refusal refusal);
// The same for a rule of trust.
void gw_api_reply_rule(struct gw_exchange *exchange, enum gw_status status,
                       enum db_refusal refusal);
// 422: the new token would end after the token that asks, which ends at `expires_ms_max`.
void gw_api_reply_ends_too_late(struct gw_exchange *exchange, int64_t expires_ms_max);
// 422: the successor would end after `expires_ms_max`, and so live longer than the token that
// rotates itself was made to live.
void gw_api_reply_lives_too_long(struct gw_exchange *exchange, int64_t expires_ms_max);
void gw_api_reply_no_token(struct gw_exchange *exchange);
// A call of `size` bytes, all zero, in the request's arena. NULL: answered with 503.
void *gw_api_reply_start_call(struct gw_exchange *exchange, size_t size) GW_MUST_USE;
