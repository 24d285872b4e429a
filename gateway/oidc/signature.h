// SPDX-License-Identifier: MIT
#pragma once
// Whether a token was signed by a key: RSA by Mbed TLS (RFC 8017, PKCS #1 v1.5 and PSS with a salt
// of 32 bytes), ECDSA on P-256 and P-384 and Ed25519 by nettle. A build without nettle verifies
// ECDSA by Mbed TLS, and leaves keys of Ed25519 out.
//
// This is dear (docs/design/tls.md has handshakes, which are of the same order): callers bound how
// much of a turn of the loop it takes.

#include "gateway/oidc/jwk.h"
#include "gateway/oidc/jwt.h"

// GW_OK: the holder of the key signed exactly jwt->signing_input. GW_DENIED: not so, or the key
// does not take the algorithm that the header names. GW_NO_MEMORY: nobody can say.
enum gw_status gw_jwk_verify(const struct gw_jwk *key, const struct gw_jwt *jwt) GW_MUST_USE;
