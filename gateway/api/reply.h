// SPDX-License-Identifier: MIT
#pragma once
// What the handlers of the gateway's own API answer in the same way: documents that nobody may
// keep, and the refusals that any of them may have to give. Each of these answers the exchange.

#include <stddef.h>

#include "base/json.h"
#include "base/status.h"
#include "db/tokens.h"

struct gw_exchange;

// The finished document, with Cache-Control: no-store, for it may hold a secret; 503 when it could
// not be written.
void gw_api_reply_json(struct gw_exchange *exchange, int status, struct gw_json_writer *json);
// 503, for a statement that ended with `status`: GW_BUSY says that the change waited for another
// one, whatever else that the database did not answer.
void gw_api_reply_database(struct gw_exchange *exchange, enum gw_status status);
// For a change that was not made: GW_DENIED says `refusal`, GW_NOT_FOUND that there is no such
// token, all else is gw_api_reply_database.
void gw_api_reply_change(struct gw_exchange *exchange, enum gw_status status,
                         enum db_refusal refusal);
// 422, for a token that would outlive the one that asks, whose end is `expires_ms_max`.
void gw_api_reply_ends_too_late(struct gw_exchange *exchange, int64_t expires_ms_max);
void gw_api_reply_no_token(struct gw_exchange *exchange);
// Memory of the request for a call of `size` bytes, all zero. NULL: answered with 503.
void *gw_api_reply_start_call(struct gw_exchange *exchange, size_t size) GW_MUST_USE;
