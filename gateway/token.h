// SPDX-License-Identifier: MIT
#pragma once
// Making tokens: randomness, digest, ids. What a token looks like is base/token_syntax.h; where it
// is kept is db/token_store.h.

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/str.h"
#include "base/token_syntax.h"

#define GW_TOKEN_DIGEST_LENGTH 32

struct gw_token_secret {
    char text[GW_TOKEN_LENGTH_MAX]; // not terminated; wipe with gw_bytes_wipe after use
    size_t length;
};

// A fresh secret from the operating system's CSPRNG. GW_SYSTEM when it gives none. `kind` is live
// or test.
enum gw_status gw_token_mint(enum gw_token_kind kind, struct gw_token_secret *secret) GW_MUST_USE;
// SHA-256 of the whole secret, prefix text included.
void gw_token_digest(struct gw_str secret, unsigned char digest[GW_TOKEN_DIGEST_LENGTH]);
// 1-100 characters of valid UTF-8, none a control, not white space alone.
bool gw_token_name_valid(struct gw_str name);
// 2-48 of a-z 0-9 -, first and last alphanumeric.
bool gw_org_slug_valid(struct gw_str slug);

// "cl", 8 characters of time and 14 random ones, base 36: sorts by age, and is unique without
// coordination.
#define GW_ID_LENGTH 24
enum gw_status gw_id_make(char out[GW_ID_LENGTH + 1]) GW_MUST_USE;
// What an id from a client may be before it reaches the database: 1-32 of a-z 0-9.
bool gw_id_valid(struct gw_str id);
