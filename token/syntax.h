// SPDX-License-Identifier: MIT
#pragma once
// The shape of a token: no hash, no lookup. The gateway checks it before every lookup, the command
// line at `login --token`.
//
// secret = ("sr_live_" | "sr_test_" | "sk_") 20*255 base64url characters. Ours carry exactly 48: 32
// random bytes and their CRC-32 (big endian), the CRC taken over the prefix text and the random
// bytes, so that a secret scanner recognises a real one offline. Imported ones need no checksum.

#include "base/str.h"

#define GW_TOKEN_BODY_MIN 20
#define GW_TOKEN_BODY_MAX 255
#define GW_TOKEN_BODY_OWN 48
#define GW_TOKEN_RANDOM_BYTES 32
#define GW_TOKEN_LENGTH_MAX (8 + GW_TOKEN_BODY_MAX)
#define GW_TOKEN_PREFIX_LENGTH 12 // the lookup key; `list` shows it
// As much behind a prefix is taken for a part of a token; four of them `list` shows.
#define GW_TOKEN_PART_MIN 8

enum gw_token_kind { GW_TOKEN_LIVE, GW_TOKEN_TEST, GW_TOKEN_LEGACY };

// GW_INVALID unless `secret` has the shape above. Constant work per character, and no early exit
// that shows where.
enum gw_status gw_token_syntax_parse(struct gw_str secret, enum gw_token_kind *kind) GW_MUST_USE;
// The text before the body: "sr_live_", "sr_test_" or "sk_".
struct gw_str gw_token_syntax_prefix(enum gw_token_kind kind);
// Of the first GW_TOKEN_PREFIX_LENGTH characters alone, which are all that is stored: GW_INVALID
// unless a secret may begin so.
enum gw_status gw_token_syntax_parse_prefix(struct gw_str prefix,
                                            enum gw_token_kind *kind) GW_MUST_USE;
// Builds an own secret from random bytes: writes exactly prefix + 48 characters, returns the
// length. `kind` is live or test: sk_ is never minted.
size_t gw_token_syntax_format(enum gw_token_kind kind,
                              const unsigned char random[GW_TOKEN_RANDOM_BYTES],
                              char out[GW_TOKEN_LENGTH_MAX]);
// True for a body of 48 characters whose CRC agrees.
bool gw_token_syntax_checksum_ok(struct gw_str secret);
// The first part of `text` that looks like a token, or the beginning of one: a prefix, and behind
// it at least `body_min` base64url characters, all of which are in *found. For what must not be
// shown or stored. "sk_" counts only where no letter or digit stands before it ("task_").
bool gw_token_syntax_find(struct gw_str text, size_t body_min, struct gw_str *found);
