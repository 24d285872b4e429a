// SPDX-License-Identifier: MIT
#pragma once
// Which tokens were live when they were last looked up, and nothing else of them. A gateway that
// keeps no rows (--cache-entries 0) needs it: a client over its budget of failed tokens may ask the
// database for these alone. Fixed memory, 256 KiB; where a set is full, the oldest makes room. Only
// live tokens get in, so a flood of bad ones pushes no token out.

#include <stdbool.h>
#include <stdint.h>

#include "base/fixed_table.h"
#include "db/token.h"

#define GW_KNOWN_TOKENS_MAX 16384

struct gw_known_tokens {
    struct gw_fixed_table table; // starts of digests; a newer one weighs more
    uint64_t added_count;
};

enum gw_status gw_known_tokens_init(struct gw_known_tokens *known) GW_MUST_USE;
void gw_known_tokens_deinit(struct gw_known_tokens *known);
bool gw_known_tokens_has(const struct gw_known_tokens *known,
                         const unsigned char digest[DB_DIGEST_LENGTH]);
// A token that is there becomes the newest.
void gw_known_tokens_add(struct gw_known_tokens *known,
                         const unsigned char digest[DB_DIGEST_LENGTH]);
void gw_known_tokens_remove(struct gw_known_tokens *known,
                            const unsigned char digest[DB_DIGEST_LENGTH]);
// By the outcome of a lookup: adds on GW_OK, removes on GW_NOT_FOUND.
void gw_known_tokens_note(struct gw_known_tokens *known,
                          const unsigned char digest[DB_DIGEST_LENGTH], enum gw_status outcome);
