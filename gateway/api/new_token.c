// SPDX-License-Identifier: MIT
#include "gateway/api/new_token.h"

#include "gateway/exchange/exchange.h"

bool gw_new_token_make(struct gw_new_token *new_token, struct gw_exchange *exchange) {
    bool is_test = exchange->services->config->is_test_environment;
    if (gw_token_mint(is_test ? GW_TOKEN_TEST : GW_TOKEN_LIVE, &new_token->secret) != GW_OK ||
        gw_id_make(new_token->id) != GW_OK) {
        gw_exchange_fail(exchange, GW_ERROR_UNAVAILABLE, "The system gives no random numbers now.");
        return false;
    }
    gw_token_digest(gw_new_token_secret(new_token), new_token->digest);
    return true;
}

struct gw_str gw_new_token_secret(const struct gw_new_token *new_token) {
    return gw_str(new_token->secret.text, new_token->secret.length);
}

struct gw_str gw_new_token_prefix(const struct gw_new_token *new_token) {
    return gw_str_slice(gw_new_token_secret(new_token), 0, GW_TOKEN_PREFIX_LENGTH);
}

void gw_new_token_wipe(struct gw_new_token *new_token) {
    gw_bytes_wipe(&new_token->secret, sizeof(new_token->secret));
}
