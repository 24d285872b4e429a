// SPDX-License-Identifier: MIT
#pragma once
// A key as gateway/oidc/jwk.c checked it and gateway/oidc/signature.c uses it.

#include <stdbool.h>
#include <stddef.h>

#include "gateway/oidc/jwt.h"
#include "tls/accelerate/verify.h"

enum gw_jwk_family { GW_JWK_RSA, GW_JWK_P256, GW_JWK_P384, GW_JWK_ED25519 };

#define GW_JWK_RSA_BITS_MIN 2048
#define GW_JWK_RSA_BITS_MAX 4096
#define GW_JWK_RSA_EXPONENT 65537 // of all of them
#define GW_JWK_RSA_BYTES_MAX (GW_JWK_RSA_BITS_MAX / 8)

struct gw_jwk {
    enum gw_jwk_family family;
    unsigned algorithms; // a bit for each enum gw_jwk_algorithm
    size_t id_length;    // 0: it has none
    size_t length;       // of `bytes`
    char id[GW_JWT_KEY_ID_BYTES_MAX];
    unsigned char bytes[GW_JWK_RSA_BYTES_MAX]; // the modulus; x and y; or the point of Ed25519
};
