// SPDX-License-Identifier: MIT
#include "tls/accelerate/verify.h"

#include <mbedtls/ecdsa.h>
#include <string.h>

#if GATEWAY_NETTLE
#include <gmp.h>
#include <nettle/bignum.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecdsa.h>
#include <nettle/eddsa.h>

#include "tls/accelerate/gmp_memory.h"
#endif

static size_t number_bytes(enum tls_verify_curve curve) {
    return curve == TLS_VERIFY_P256 ? TLS_VERIFY_P256_BYTES : TLS_VERIFY_P384_BYTES;
}

// ---- by Mbed TLS ----

struct operands {
    mbedtls_ecp_group group;
    mbedtls_ecp_point point;
    mbedtls_mpi r;
    mbedtls_mpi s;
};

static int read_point(struct operands *operands, size_t bytes, const unsigned char *point) {
    unsigned char text[1 + 2 * TLS_VERIFY_P384_BYTES];
    text[0] = 0x04; // SEC 1 section 2.3.3, not compressed
    memcpy(text + 1, point, 2 * bytes);
    int code =
        mbedtls_ecp_point_read_binary(&operands->group, &operands->point, text, 1 + 2 * bytes);
    return code == 0 ? mbedtls_ecp_check_pubkey(&operands->group, &operands->point) : code;
}

static int verify_plain(struct operands *operands, enum tls_verify_curve curve,
                        const unsigned char *point, const unsigned char *digest,
                        const unsigned char *signature) {
    size_t bytes = number_bytes(curve);
    int code = mbedtls_ecp_group_load(&operands->group, curve == TLS_VERIFY_P256
                                                            ? MBEDTLS_ECP_DP_SECP256R1
                                                            : MBEDTLS_ECP_DP_SECP384R1);
    if (code == 0)
        code = read_point(operands, bytes, point);
    if (code == 0)
        code = mbedtls_mpi_read_binary(&operands->r, signature, bytes);
    if (code == 0)
        code = mbedtls_mpi_read_binary(&operands->s, signature + bytes, bytes);
    if (code == 0)
        code = mbedtls_ecdsa_verify(&operands->group, digest, bytes, &operands->point, &operands->r,
                                    &operands->s);
    return code;
}

enum gw_status tls_ecdsa_verify_plain(enum tls_verify_curve curve, const unsigned char *point,
                                      const unsigned char *digest, const unsigned char *signature) {
    struct operands operands;
    mbedtls_ecp_group_init(&operands.group);
    mbedtls_ecp_point_init(&operands.point);
    mbedtls_mpi_init(&operands.r);
    mbedtls_mpi_init(&operands.s);
    int code = verify_plain(&operands, curve, point, digest, signature);
    mbedtls_mpi_free(&operands.s);
    mbedtls_mpi_free(&operands.r);
    mbedtls_ecp_point_free(&operands.point);
    mbedtls_ecp_group_free(&operands.group);
    if (code == MBEDTLS_ERR_MPI_ALLOC_FAILED || code == MBEDTLS_ERR_ECP_ALLOC_FAILED)
        return GW_NO_MEMORY;
    return code == 0 ? GW_OK : GW_DENIED;
}

// ---- by nettle ----

#if GATEWAY_NETTLE

static bool read_nettle_point(struct ecc_point *key, size_t bytes, const unsigned char *point) {
    mpz_t x;
    mpz_t y;
    nettle_mpz_init_set_str_256_u(x, bytes, point);
    nettle_mpz_init_set_str_256_u(y, bytes, point + bytes);
    bool is_on_curve = ecc_point_set(key, x, y) == 1;
    mpz_clear(y);
    mpz_clear(x);
    return is_on_curve;
}

enum gw_status tls_ecdsa_verify(enum tls_verify_curve curve, const unsigned char *point,
                                const unsigned char *digest, const unsigned char *signature) {
    size_t bytes = number_bytes(curve);
    struct ecc_point key;
    struct dsa_signature numbers;
    tls_gmp_memory_start();
    ecc_point_init(&key,
                   curve == TLS_VERIFY_P256 ? nettle_get_secp_256r1() : nettle_get_secp_384r1());
    nettle_mpz_init_set_str_256_u(numbers.r, bytes, signature);
    nettle_mpz_init_set_str_256_u(numbers.s, bytes, signature + bytes);
    bool is_good =
        read_nettle_point(&key, bytes, point) && ecdsa_verify(&key, bytes, digest, &numbers) == 1;
    mpz_clear(numbers.s);
    mpz_clear(numbers.r);
    ecc_point_clear(&key);
    return is_good ? GW_OK : GW_DENIED;
}

enum gw_status tls_ed25519_verify(const unsigned char key[TLS_ED25519_KEY_BYTES],
                                  struct gw_str message,
                                  const unsigned char signature[TLS_ED25519_SIGNATURE_BYTES]) {
    tls_gmp_memory_start();
    bool is_good = ed25519_sha512_verify(key, message.length, (const unsigned char *)message.at,
                                         signature) == 1;
    return is_good ? GW_OK : GW_DENIED;
}

#else

enum gw_status tls_ecdsa_verify(enum tls_verify_curve curve, const unsigned char *point,
                                const unsigned char *digest, const unsigned char *signature) {
    return tls_ecdsa_verify_plain(curve, point, digest, signature);
}

#endif
