// SPDX-License-Identifier: MIT
#pragma once
// Making the secret of a token, and its digest. What a secret looks like is token/syntax.h; where
// tokens are kept is db/tokens.h.

#include <stddef.h>

#include "base/status.h"
#include "base/str.h"
#include "token/syntax.h"

#define GW_TOKEN_DIGEST_LENGTH 32

struct gw_token_secret {
    char text[GW_TOKEN_LENGTH_MAX]; // not terminated; wipe with gw_bytes_wipe after use
    size_t length;
};

// A fresh secret from the operating system's CSPRNG. GW_SYSTEM without random bytes. `kind` is live
// or test.
enum gw_status gw_token_mint(enum gw_token_kind kind, struct gw_token_secret *secret) GW_MUST_USE;
// SHA-256 of the whole secret, prefix text included.
void gw_token_digest(struct gw_str secret, unsigned char digest[GW_TOKEN_DIGEST_LENGTH]);
// The same from its 64 hexadecimal digits, of either case. GW_INVALID.
enum gw_status gw_token_digest_parse(struct gw_str hex,
                                     unsigned char digest[GW_TOKEN_DIGEST_LENGTH]) GW_MUST_USE;
