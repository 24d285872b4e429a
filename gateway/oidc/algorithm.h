// SPDX-License-Identifier: MIT
#pragma once
// The algorithms of signatures that are verified here (RFC 7518 section 3.1, RFC 8037 section 3.1).
// All others are unknown names: "none", the HMACs, whose secret would be a public key, and those
// that no issuer of a workload's tokens uses (PS384, PS512, ES512).

#include <stdbool.h>

#include "base/str.h"

#define GW_JWK_ALGORITHM_MAP(X)                                                                    \
    X(RS256)                                                                                       \
    X(RS384)                                                                                       \
    X(RS512)                                                                                       \
    X(PS256)                                                                                       \
    X(ES256)                                                                                       \
    X(ES384)                                                                                       \
    X(EDDSA)

enum gw_jwk_algorithm {
#define X(name) GW_JWK_##name,
    GW_JWK_ALGORITHM_MAP(X)
#undef X
};

// By its exact name. "Ed25519" (RFC 9864) is GW_JWK_EDDSA as "EdDSA" is: the key says the curve.
bool gw_jwk_algorithm_find(struct gw_str name, enum gw_jwk_algorithm *algorithm);
