// SPDX-License-Identifier: MIT
#pragma once
// Tokens that the database has revoked: what every request that does so does about them.

#include <stdint.h>

#include "db/token_revoke.h"

struct gw_auth_cache;
struct gw_json_writer;

// From now on this gateway refuses those that have a time. Returns the number of their newest
// event; 0 without one.
uint64_t gw_revoked_refuse(struct gw_auth_cache *cache, const struct db_revoked_token *tokens,
                           int count);
// id, name and revokedAt.
void gw_revoked_write(struct gw_json_writer *json, const struct db_revoked_token *token);
// A member `key` with a list of them, as every answer shows those that were revoked.
void gw_revoked_write_list(struct gw_json_writer *json, const char *key,
                           const struct db_revoked_token *tokens, int count);
