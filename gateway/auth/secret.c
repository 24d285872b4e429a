// SPDX-License-Identifier: MIT
#include "gateway/auth/secret.h"

#include "base/ascii.h"
#include "base/random.h"
#include "tls/accelerate/sha256.h"

enum gw_status gw_token_mint(enum gw_token_kind kind, struct gw_token_secret *secret) {
    unsigned char random[GW_TOKEN_RANDOM_BYTES];
    enum gw_status status = gw_random_bytes(random, sizeof(random));
    if (status == GW_OK)
        secret->length = gw_token_syntax_format(kind, random, secret->text);
    gw_bytes_wipe(random, sizeof(random));
    return status;
}

void gw_token_digest(struct gw_str secret, unsigned char digest[GW_TOKEN_DIGEST_LENGTH]) {
    tls_sha256(secret, digest);
}

enum gw_status gw_token_digest_parse(struct gw_str hex,
                                     unsigned char digest[GW_TOKEN_DIGEST_LENGTH]) {
    if (hex.length != (size_t)2 * GW_TOKEN_DIGEST_LENGTH)
        return GW_INVALID;
    for (size_t i = 0; i < GW_TOKEN_DIGEST_LENGTH; i++) {
        int high = gw_ascii_hex_value(hex.at[2 * i]);
        int low = gw_ascii_hex_value(hex.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return GW_INVALID;
        digest[i] = (unsigned char)(high * 16 + low);
    }
    return GW_OK;
}
