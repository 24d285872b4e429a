// SPDX-License-Identifier: MIT
#pragma once
// Identity tokens from the JSON of their parts. Their signature is bytes that nobody made: good for
// all that happens before and behind its verification.

#include "gateway/oidc/jwt.h"

// HEADER.CLAIMS.SIGNATURE in `arena`.
struct gw_str identity_token_text(struct gw_arena *arena, struct gw_str header,
                                  struct gw_str claims);
// Such a token, parsed: it has to be one. The header is {"alg":"RS256","kid":"k"}.
void identity_token_make(struct gw_arena *arena, struct gw_str claims, struct gw_jwt *jwt);

// For a group of tests that need nothing but tokens: the arena that they lie in, which these two
// open and close, as cmocka calls what stands around a group.
extern struct gw_arena identity_arena;
int identity_arena_open(void **state);
int identity_arena_close(void **state);
struct gw_jwt identity_token(const char *claims);
