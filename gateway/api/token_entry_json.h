// SPDX-License-Identifier: MIT
#pragma once
// What became of a token, for those who look at it: its state, who ended it and why, beside the
// members that every answer has (gateway/exchange/token_json.h).

#include "base/json.h"
#include "db/token_list.h"

// A member with who did something, as the audit shows it; null for nobody.
void gw_token_entry_json_write_actor(struct gw_json_writer *json, const char *key,
                                     const struct db_token_actor *actor);
// state, reason (a sentence, null while it is live), revokedAt, revokedBy, replacedBy; into an
// object that the caller has opened.
void gw_token_entry_json_write_state(struct gw_json_writer *json,
                                     const struct db_token_entry *entry);
// All members of one token, whatever it may do and wherever it came from.
void gw_token_entry_json_write_details(struct gw_json_writer *json,
                                       const struct db_token_details *details);
