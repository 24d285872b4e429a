// SPDX-License-Identifier: MIT
#include "gateway/auth/secret.h"

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
