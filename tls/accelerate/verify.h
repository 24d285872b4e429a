// SPDX-License-Identifier: MIT
#pragma once
// Signatures on elliptic curves, verified by the faster library: ECDSA (FIPS 186-5 section 6.4.2)
// by nettle, by Mbed TLS in a build without it; Ed25519 (RFC 8032 section 5.1.7) by nettle alone,
// because Mbed TLS has none. Keys, digests and signatures are public: nothing here is secret.
//
// nettle refuses a good ECDSA signature whose two multiplied points are the same one, which happens
// to nobody who does not look for it (2^-256): it never takes a bad one for good.
//
// GMP, which nettle uses, gets its memory from tls/accelerate/gmp_memory.h.

#include "base/status.h"
#include "base/str.h"

enum tls_verify_curve { TLS_VERIFY_P256, TLS_VERIFY_P384 };

#define TLS_VERIFY_P256_BYTES 32 // of a coordinate, of half a signature
#define TLS_VERIFY_P384_BYTES 48
#define TLS_ED25519_KEY_BYTES 32
#define TLS_ED25519_SIGNATURE_BYTES 64
#define TLS_HAS_ED25519 GATEWAY_NETTLE

// `point` is x and y, `signature` r and s, each number big-endian in as many bytes as the curve
// has, and `digest` is as long as one number. GW_OK: good. GW_DENIED: not, or the point is not on
// the curve. GW_NO_MEMORY: nobody can say (by Mbed TLS alone).
enum gw_status tls_ecdsa_verify(enum tls_verify_curve curve, const unsigned char *point,
                                const unsigned char *digest,
                                const unsigned char *signature) GW_MUST_USE;
// The same by Mbed TLS: for tests and timings.
enum gw_status tls_ecdsa_verify_plain(enum tls_verify_curve curve, const unsigned char *point,
                                      const unsigned char *digest,
                                      const unsigned char *signature) GW_MUST_USE;
#if TLS_HAS_ED25519
enum gw_status
tls_ed25519_verify(const unsigned char key[TLS_ED25519_KEY_BYTES], struct gw_str message,
                   const unsigned char signature[TLS_ED25519_SIGNATURE_BYTES]) GW_MUST_USE;
#endif
