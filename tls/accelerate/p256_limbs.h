// SPDX-License-Identifier: MIT
#pragma once
// Numbers of P-256 between big-endian bytes, as Mbed TLS writes them, and the limbs of nettle and
// GMP, least first. For secrets too: no branch looks at a value.

#include <gmp.h>
#include <mbedtls/platform_util.h>
#include <nettle/ecc.h>
#include <stdbool.h>

_Static_assert(GMP_NUMB_BITS == 64, "limbs of 64 bits");

#define P256_BYTES 32
#define P256_LIMBS 4

static inline void p256_limbs_from_bytes(mp_limb_t limbs[P256_LIMBS], const unsigned char *bytes) {
    for (int i = 0; i < P256_LIMBS; i++) {
        mp_limb_t limb = 0;
        for (int j = 0; j < 8; j++)
            limb = limb << 8 | bytes[P256_BYTES - 8 * (i + 1) + j];
        limbs[i] = limb;
    }
}

static inline void p256_limbs_to_bytes(const mp_limb_t limbs[P256_LIMBS], unsigned char *bytes) {
    for (int i = 0; i < P256_LIMBS; i++) {
        mp_limb_t limb = limbs[i];
        for (int j = 7; j >= 0; j--, limb >>= 8)
            bytes[P256_BYTES - 8 * (i + 1) + j] = (unsigned char)limb;
    }
}

// False: zero, or not below the order of the curve.
static inline bool p256_scalar_from_bytes(struct ecc_scalar *scalar, const unsigned char *bytes) {
    mp_limb_t limbs[P256_LIMBS];
    mpz_t value;
    p256_limbs_from_bytes(limbs, bytes);
    bool is_taken = ecc_scalar_set(scalar, mpz_roinit_n(value, limbs, P256_LIMBS)) == 1;
    mbedtls_platform_zeroize(limbs, sizeof(limbs));
    return is_taken;
}
