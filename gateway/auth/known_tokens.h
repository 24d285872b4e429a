// SPDX-License-Identifier: MIT
#pragma once
// Which tokens were live when they were last looked up, and nothing else of them: for a gateway
// that keeps no rows
// (--cache-entries 0) and still has to tell who may ask the database for an address that is over
// its budget of failed tokens. Fixed memory, 128 KiB; where a set is full, the oldest makes room.
// Only live tokens get in, so a flood of bad ones pushes nobody out.

#include <stdbool.h>
#include <stdint.h>

#include "db/token_store.h"

#define GW_KNOWN_TOKENS_SETS 4096
#define GW_KNOWN_TOKENS_WAYS 4

// All zero is empty.
struct gw_known_tokens {
    uint64_t sets[GW_KNOWN_TOKENS_SETS][GW_KNOWN_TOKENS_WAYS]; // starts of digests, newest first
};

bool gw_known_tokens_has(const struct gw_known_tokens *known,
                         const unsigned char digest[DB_DIGEST_LENGTH]);
void gw_known_tokens_add(struct gw_known_tokens *known,
                         const unsigned char digest[DB_DIGEST_LENGTH]);
void gw_known_tokens_remove(struct gw_known_tokens *known,
                            const unsigned char digest[DB_DIGEST_LENGTH]);
