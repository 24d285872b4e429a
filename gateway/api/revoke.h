// SPDX-License-Identifier: MIT
#pragma once
// A revocation of one token, with `successors` or `chain` of those that rotation ties to it too,
// and with `wait` answered when the other gateways have applied it (docs/design/revocation.md). It
// works within the organisation of the caller's token, so a foreign id is not found.

#include <stdint.h>

#include "db/token_revoke.h"

struct gw_auth_cache;
struct gw_exchange;
struct gw_json_writer;

// DELETE /orgs/{org}/tokens/{id}, for an admin token of the organisation: 200 the first time, 404
// afterwards; 409 when it would leave no live admin token, without `last`.
void gw_token_api_revoke(struct gw_exchange *exchange);
// DELETE /auth/token: the same for the token that is sent, with any scope.
void gw_token_api_revoke_own(struct gw_exchange *exchange);

// From now on this gateway refuses those that have a time. Returns the number of their newest
// event; 0 without one.
uint64_t gw_revoked_refuse(struct gw_auth_cache *cache, const struct db_revoked_token *tokens,
                           int count);
// A member `key` with a list of them, as every answer shows those that were revoked.
void gw_revoked_write_list(struct gw_json_writer *json, const char *key,
                           const struct db_revoked_token *tokens, int count);
