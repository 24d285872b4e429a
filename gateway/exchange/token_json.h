// SPDX-License-Identifier: MIT
#pragma once
// A token as the API shows it: {id,name,prefix,scopes,createdAt,lastUsedAt,expiresAt,allowedIps,
// description,selfRotate}, bindChildren when it is true, boundSan when the token is bound; never a
// secret or a hash. Whoever asks
// for a restriction finds it in the answer, or knows that an older gateway ignored it.

#include "base/json.h"
#include "db/token.h"

// Writes the members into an object that the caller has opened.
void gw_token_json_write(struct gw_json_writer *json, const struct db_token_row *row);
// The same of a row that a lookup brought, which knows neither description nor bindChildren.
void gw_token_json_write_looked_up(struct gw_json_writer *json, const struct db_token_row *row);
// The ranges that the token may be used from, as an array under `key`; empty: anywhere.
void gw_token_json_write_ranges(struct gw_json_writer *json, const char *key,
                                const struct db_token_row *row);
