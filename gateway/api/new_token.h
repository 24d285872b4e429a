// SPDX-License-Identifier: MIT
#pragma once
// A token that is about to be made: its secret, which the answer shows once, and what is stored of
// it. Embedded, of zeros, in the call of a handler.

#include <stdbool.h>

#include "db/token.h"
#include "gateway/auth/secret.h"
#include "token/id.h"

struct gw_exchange;

struct gw_new_token {
    struct gw_token_secret secret;
    unsigned char digest[DB_DIGEST_LENGTH];
    char id[GW_ID_LENGTH + 1];
};

// A secret of the gateway's environment, its digest and an id. False: the exchange is answered.
bool gw_new_token_make(struct gw_new_token *new_token, struct gw_exchange *exchange) GW_MUST_USE;
struct gw_str gw_new_token_secret(const struct gw_new_token *new_token);
// The first characters of the secret, which are stored.
struct gw_str gw_new_token_prefix(const struct gw_new_token *new_token);
void gw_new_token_wipe(struct gw_new_token *new_token);
