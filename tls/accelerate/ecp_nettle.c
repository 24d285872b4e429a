// SPDX-License-Identifier: MIT
#include "tls/accelerate/ecp_nettle.h"

#include <gmp.h>
#include <mbedtls/ecp.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/psa_util.h>
#include <nettle/curve25519.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecc.h>
#include <stdint.h>

#include "base/log.h"
#include "base/status.h"
#include "tls/accelerate/gmp_memory.h"
#include "tls/accelerate/p256_limbs.h"

#define P256_POINT_BYTES (1 + 2 * P256_BYTES) // SEC 1 section 2.3.3, not compressed
#define CHECK_ROUNDS 4

typedef int random_function(void *, unsigned char *, size_t);

// Names of the linker's --wrap: a call of mbedtls_ecp_mul ends in __wrap_mbedtls_ecp_mul,
// and __real_mbedtls_ecp_mul is the library's.
int __wrap_mbedtls_ecp_mul(mbedtls_ecp_group *group, mbedtls_ecp_point *result,
                           const mbedtls_mpi *scalar, const mbedtls_ecp_point *point,
                           random_function *random, void *random_state);
int __real_mbedtls_ecp_mul(mbedtls_ecp_group *group, mbedtls_ecp_point *result,
                           const mbedtls_mpi *scalar, const mbedtls_ecp_point *point,
                           random_function *random, void *random_state);
int __wrap_mbedtls_ecp_mul_restartable(mbedtls_ecp_group *group, mbedtls_ecp_point *result,
                                       const mbedtls_mpi *scalar, const mbedtls_ecp_point *point,
                                       random_function *random, void *random_state,
                                       mbedtls_ecp_restart_ctx *restart);
int __real_mbedtls_ecp_mul_restartable(mbedtls_ecp_group *group, mbedtls_ecp_point *result,
                                       const mbedtls_mpi *scalar, const mbedtls_ecp_point *point,
                                       random_function *random, void *random_state,
                                       mbedtls_ecp_restart_ctx *restart);

// Of the process, because the wrapped functions have no argument for it.
static struct {
    bool is_checked;
    bool is_good; // nettle agrees with the library
    bool is_on;
    unsigned long count;
} seam;

// ---- P-256 ----

static void big_endian_from_mpz(unsigned char *bytes, const mpz_t number) {
    mp_limb_t limbs[P256_LIMBS];
    for (int i = 0; i < P256_LIMBS; i++)
        limbs[i] = mpz_getlimbn(number, i); // 0 beyond its size
    p256_limbs_to_bytes(limbs, bytes);
    mbedtls_platform_zeroize(limbs, sizeof(limbs));
}

// SEC 1 bytes to nettle's form; false: not on the curve.
static bool import_point(struct ecc_point *point, const unsigned char *bytes) {
    mp_limb_t x_limbs[P256_LIMBS];
    mp_limb_t y_limbs[P256_LIMBS];
    mpz_t x;
    mpz_t y;
    p256_limbs_from_bytes(x_limbs, bytes + 1);
    p256_limbs_from_bytes(y_limbs, bytes + 1 + P256_BYTES);
    return ecc_point_set(point, mpz_roinit_n(x, x_limbs, P256_LIMBS),
                         mpz_roinit_n(y, y_limbs, P256_LIMBS)) == 1;
}

static bool import_scalar(struct ecc_scalar *scalar, const mbedtls_mpi *number) {
    unsigned char bytes[P256_BYTES];
    bool is_taken = mbedtls_mpi_write_binary(number, bytes, sizeof(bytes)) == 0 &&
                    p256_scalar_from_bytes(scalar, bytes);
    mbedtls_platform_zeroize(bytes, sizeof(bytes));
    return is_taken;
}

static void wipe_and_clear(mpz_t number) {
    mbedtls_platform_zeroize(mpz_limbs_modify(number, P256_LIMBS), P256_LIMBS * sizeof(mp_limb_t));
    mpz_clear(number);
}

static void export_point(const struct ecc_point *point, unsigned char *bytes) {
    mpz_t x;
    mpz_t y;
    mpz_init2(x, P256_LIMBS * GMP_NUMB_BITS);
    mpz_init2(y, P256_LIMBS * GMP_NUMB_BITS);
    ecc_point_get(point, x, y);
    bytes[0] = 0x04;
    big_endian_from_mpz(bytes + 1, x);
    big_endian_from_mpz(bytes + 1 + P256_BYTES, y);
    wipe_and_clear(x);
    wipe_and_clear(y);
}

// Points and scalars of nettle live on the stack: their structs are public, and their sizes are
// those of the curve.
static int multiply_p256(const mbedtls_ecp_group *group, mbedtls_ecp_point *result,
                         const mbedtls_mpi *number, const mbedtls_ecp_point *point) {
    const struct ecc_curve *curve = nettle_get_secp_256r1();
    mp_limb_t scalar_limbs[P256_LIMBS];
    mp_limb_t point_limbs[2 * P256_LIMBS];
    unsigned char bytes[P256_POINT_BYTES];
    size_t length;
    struct ecc_scalar scalar = {.ecc = curve, .p = scalar_limbs};
    struct ecc_point product = {.ecc = curve, .p = point_limbs};
    gw_assert(ecc_size(curve) == P256_LIMBS && ecc_size_a(curve) == 2 * P256_LIMBS);

    if (!import_scalar(&scalar, number))
        return MBEDTLS_ERR_ECP_INVALID_KEY;
    int code = 0;
    if (mbedtls_ecp_point_cmp(point, &group->G) == 0) {
        ecc_point_mul_g(&product, &scalar);
    } else {
        code = mbedtls_ecp_point_write_binary(group, point, MBEDTLS_ECP_PF_UNCOMPRESSED, &length,
                                              bytes, sizeof(bytes));
        if (code == 0 && (length != sizeof(bytes) || !import_point(&product, bytes)))
            code = MBEDTLS_ERR_ECP_INVALID_KEY;
        if (code == 0)
            ecc_point_mul(&product, &scalar, &product);
    }
    if (code == 0) {
        export_point(&product, bytes);
        code = mbedtls_ecp_point_read_binary(group, result, bytes, sizeof(bytes));
    }
    mbedtls_platform_zeroize(scalar_limbs, sizeof(scalar_limbs));
    mbedtls_platform_zeroize(point_limbs, sizeof(point_limbs));
    mbedtls_platform_zeroize(bytes, sizeof(bytes));
    return code;
}

// ---- X25519 (RFC 7748) ----

static int multiply_x25519(const mbedtls_ecp_group *group, mbedtls_ecp_point *result,
                           const mbedtls_mpi *number, const mbedtls_ecp_point *point) {
    uint8_t scalar[CURVE25519_SIZE];
    uint8_t bytes[CURVE25519_SIZE];
    uint8_t product[CURVE25519_SIZE];
    size_t length;
    int code = mbedtls_mpi_write_binary_le(number, scalar, sizeof(scalar));
    if (code == 0)
        code = mbedtls_ecp_point_write_binary(group, point, MBEDTLS_ECP_PF_UNCOMPRESSED, &length,
                                              bytes, sizeof(bytes));
    if (code == 0) {
        if (mbedtls_ecp_point_cmp(point, &group->G) == 0)
            curve25519_mul_g(product, scalar);
        else
            curve25519_mul(product, scalar, bytes);
        code = mbedtls_ecp_point_read_binary(group, result, product, sizeof(product));
    }
    mbedtls_platform_zeroize(scalar, sizeof(scalar));
    mbedtls_platform_zeroize(product, sizeof(product));
    return code;
}

// ---- instead of the library's functions ----

static bool is_ours(const mbedtls_ecp_group *group, random_function *random) {
    return random != NULL &&
           (group->id == MBEDTLS_ECP_DP_SECP256R1 || group->id == MBEDTLS_ECP_DP_CURVE25519);
}

static int multiply(const mbedtls_ecp_group *group, mbedtls_ecp_point *result,
                    const mbedtls_mpi *scalar, const mbedtls_ecp_point *point) {
    int code = mbedtls_ecp_check_privkey(group, scalar);
    if (code == 0)
        code = mbedtls_ecp_check_pubkey(group, point);
    if (code != 0)
        return code;
    seam.count++;
    return group->id == MBEDTLS_ECP_DP_SECP256R1 ? multiply_p256(group, result, scalar, point)
                                                 : multiply_x25519(group, result, scalar, point);
}

int __wrap_mbedtls_ecp_mul(mbedtls_ecp_group *group, mbedtls_ecp_point *result,
                           const mbedtls_mpi *scalar, const mbedtls_ecp_point *point,
                           random_function *random, void *random_state) {
    if (seam.is_on && is_ours(group, random))
        return multiply(group, result, scalar, point);
    return __real_mbedtls_ecp_mul(group, result, scalar, point, random, random_state);
}

int __wrap_mbedtls_ecp_mul_restartable(mbedtls_ecp_group *group, mbedtls_ecp_point *result,
                                       const mbedtls_mpi *scalar, const mbedtls_ecp_point *point,
                                       random_function *random, void *random_state,
                                       mbedtls_ecp_restart_ctx *restart) {
    if (seam.is_on && restart == NULL && is_ours(group, random))
        return multiply(group, result, scalar, point);
    return __real_mbedtls_ecp_mul_restartable(group, result, scalar, point, random, random_state,
                                              restart);
}

// ---- the check at start ----

// Both ways to the same point, or to the same refusal.
static bool agree(mbedtls_ecp_group *group, const mbedtls_mpi *scalar,
                  const mbedtls_ecp_point *point) {
    mbedtls_ecp_point ours;
    mbedtls_ecp_point theirs;
    mbedtls_ecp_point_init(&ours);
    mbedtls_ecp_point_init(&theirs);
    int our_code = multiply(group, &ours, scalar, point);
    int their_code = __real_mbedtls_ecp_mul(group, &theirs, scalar, point, mbedtls_psa_get_random,
                                            MBEDTLS_PSA_RANDOM_STATE);
    bool is_same = our_code == their_code;
    if (is_same && our_code == 0)
        is_same = mbedtls_ecp_point_cmp(&ours, &theirs) == 0;
    mbedtls_ecp_point_free(&ours);
    mbedtls_ecp_point_free(&theirs);
    return is_same;
}

static bool agree_on_random(mbedtls_ecp_group *group, mbedtls_ecp_point *point) {
    mbedtls_mpi scalar;
    mbedtls_mpi_init(&scalar);
    bool is_same = true;
    for (int i = 0; i < CHECK_ROUNDS && is_same; i++) {
        is_same = mbedtls_ecp_gen_privkey(group, &scalar, mbedtls_psa_get_random,
                                          MBEDTLS_PSA_RANDOM_STATE) == 0 &&
                  agree(group, &scalar, &group->G) && agree(group, &scalar, point);
        if (is_same) // the next round starts at another point
            is_same = multiply(group, point, &scalar, point) == 0;
    }
    mbedtls_mpi_free(&scalar);
    return is_same;
}

// `number` + `offset` as a private key, at the base and elsewhere.
static bool agree_near(mbedtls_ecp_group *group, const mbedtls_ecp_point *point,
                       const mbedtls_mpi *number, int offset) {
    mbedtls_mpi scalar;
    mbedtls_mpi_init(&scalar);
    bool is_same = mbedtls_mpi_add_int(&scalar, number, offset) == 0 &&
                   agree(group, &scalar, &group->G) && agree(group, &scalar, point);
    mbedtls_mpi_free(&scalar);
    return is_same;
}

// The ends of the range of private keys: 1 and n - 1 for P-256, 2^254 and 2^255 - 8 for X25519
// (RFC 7748 section 5). The neighbours outside are refused alike.
static bool agree_on_edges(mbedtls_ecp_group *group, const mbedtls_ecp_point *point) {
    mbedtls_mpi zero;
    mbedtls_mpi power;
    mbedtls_mpi_init(&zero);
    mbedtls_mpi_init(&power);
    bool is_same = mbedtls_mpi_lset(&zero, 0) == 0 && mbedtls_mpi_lset(&power, 1) == 0 &&
                   mbedtls_mpi_shift_l(&power, 254) == 0;
    for (int offset = -2; offset <= 2; offset++)
        is_same = is_same && agree_near(group, point, &zero, offset) &&
                  agree_near(group, point, &group->N, offset);
    is_same = is_same && agree_near(group, point, &power, 0) &&
              mbedtls_mpi_shift_l(&power, 1) == 0 && agree_near(group, point, &power, -8);
    mbedtls_mpi_free(&power);
    mbedtls_mpi_free(&zero);
    return is_same;
}

// The base point with a bit flipped (on P-256 no longer on the curve), and with the field's own
// prime for its first coordinate.
static bool agree_on_bad_points(mbedtls_ecp_group *group) {
    unsigned char bytes[P256_POINT_BYTES];
    size_t length = 0;
    mbedtls_mpi scalar;
    mbedtls_ecp_point point;
    mbedtls_mpi_init(&scalar);
    mbedtls_ecp_point_init(&point);
    bool is_same = mbedtls_ecp_gen_privkey(group, &scalar, mbedtls_psa_get_random,
                                           MBEDTLS_PSA_RANDOM_STATE) == 0 &&
                   mbedtls_ecp_point_write_binary(group, &group->G, MBEDTLS_ECP_PF_UNCOMPRESSED,
                                                  &length, bytes, sizeof(bytes)) == 0;
    gw_assert(length > 0);
    bytes[length - 1] ^= 1;
    is_same = is_same && mbedtls_ecp_point_read_binary(group, &point, bytes, length) == 0 &&
              agree(group, &scalar, &point);
    bytes[length - 1] ^= 1;
    int code = length == P256_POINT_BYTES
                   ? mbedtls_mpi_write_binary(&group->P, bytes + 1, P256_BYTES)
                   : mbedtls_mpi_write_binary_le(&group->P, bytes, length);
    is_same = is_same && code == 0 &&
              mbedtls_ecp_point_read_binary(group, &point, bytes, length) == 0 &&
              agree(group, &scalar, &point);
    mbedtls_ecp_point_free(&point);
    mbedtls_mpi_free(&scalar);
    return is_same;
}

static bool check_group(mbedtls_ecp_group_id id) {
    mbedtls_ecp_group group;
    mbedtls_ecp_point point;
    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&point);
    bool is_same = mbedtls_ecp_group_load(&group, id) == 0 &&
                   mbedtls_ecp_copy(&point, &group.G) == 0 && agree_on_random(&group, &point) &&
                   agree_on_edges(&group, &point) && agree_on_bad_points(&group);
    mbedtls_ecp_point_free(&point);
    mbedtls_ecp_group_free(&group);
    return is_same;
}

bool tls_ecp_nettle_start(void) {
    if (seam.is_checked)
        return seam.is_good;
    seam.is_checked = true;
    tls_gmp_memory_start();
    seam.is_good = check_group(MBEDTLS_ECP_DP_SECP256R1) && check_group(MBEDTLS_ECP_DP_CURVE25519);
    seam.is_on = seam.is_good;
    seam.count = 0;
    if (!seam.is_good)
        gw_log(GW_LOG_WARNING, "tls",
               "the elliptic curves of nettle and Mbed TLS differ: using the slower ones of Mbed "
               "TLS");
    return seam.is_good;
}

void tls_ecp_nettle_switch(bool is_on) {
    seam.is_on = is_on && seam.is_good;
}

bool tls_ecp_nettle_is_on(void) {
    return seam.is_on;
}

unsigned long tls_ecp_nettle_count(void) {
    return seam.count;
}
