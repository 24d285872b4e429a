// SPDX-License-Identifier: MIT
// Every case runs through nettle and through the library's own arithmetic; without nettle in the
// build, through the latter alone.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>
#include <mbedtls/psa_util.h>
#include <psa/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/certificate.h"
#include "tests/support/tls_pair.h"
#include "tls/accelerate/ecdsa_nettle.h"
#include "tls/accelerate/ecp_nettle.h"
#include "tls/accelerate/gmp_memory.h"

#define RANDOM mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE
#define KEY_BYTES 32
#define POINT_BYTES 65

// RFC 5903 section 8.1.
#define P256_I "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433"
#define P256_GI_X "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
#define P256_GI_Y "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3"
#define P256_R "c6ef9c5d78ae012a011164acb397ce2088685d8f06bf9be0b283ab46476bee53"
#define P256_GR_X "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
#define P256_GR_Y "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab"
#define P256_GIR_X "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"
// SEC 2 section 2.4.2, and the double of the base point.
#define P256_G_X "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
#define P256_G_Y "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
#define P256_MINUS_G_Y "b01cbd1c01e58065711814b583f061e9d431cca994cea1313449bf97c840ae0a"
#define P256_2G_X "7cf27b188d034f7e8a52380304b51ac3c08969e277f21b35a60b48fc47669978"
#define P256_2G_Y "07775510db8ed040293d9ac69f7430dbba7dade63ce982299e04b79d227873d1"
#define P256_MINUS_2G_Y "f888aaee24712fc0d6c26539608bcf244582521ac3167dd661fb4862dd878c2e"
#define P256_N_LESS_2 "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc63254f"
#define P256_N_LESS_1 "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550"
#define P256_N "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define P256_P "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"
#define P256_0 "0000000000000000000000000000000000000000000000000000000000000000"
#define P256_1 "0000000000000000000000000000000000000000000000000000000000000001"
#define P256_2 "0000000000000000000000000000000000000000000000000000000000000002"
// The point whose first coordinate is 0: its second is a root of the curve's b.
#define P256_ROOT_OF_B "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4"

struct product {
    const char *scalar;
    const char *point_x;
    const char *point_y;
    const char *x;
    const char *y; // NULL: not looked at
};

static void from_hex(const char *hex, unsigned char *bytes) {
    for (size_t i = 0; i < KEY_BYTES; i++) {
        const char digits[] = {hex[2 * i], hex[2 * i + 1], '\0'};
        char *end;
        bytes[i] = (unsigned char)strtoul(digits, &end, 16);
        assert_true(*end == '\0');
    }
}

static void read_point(mbedtls_ecp_group *group, mbedtls_ecp_point *point, const char *x,
                       const char *y) {
    unsigned char bytes[POINT_BYTES] = {0x04};
    from_hex(x, bytes + 1);
    from_hex(y, bytes + 1 + KEY_BYTES);
    assert_int_equal(mbedtls_ecp_point_read_binary(group, point, bytes, sizeof(bytes)), 0);
}

static void assert_coordinates(mbedtls_ecp_group *group, const mbedtls_ecp_point *point,
                               const char *x, const char *y) {
    unsigned char wanted[KEY_BYTES];
    unsigned char bytes[POINT_BYTES];
    size_t length;
    assert_int_equal(mbedtls_ecp_point_write_binary(group, point, MBEDTLS_ECP_PF_UNCOMPRESSED,
                                                    &length, bytes, sizeof(bytes)),
                     0);
    from_hex(x, wanted);
    assert_memory_equal(bytes + 1, wanted, KEY_BYTES);
    if (y == NULL)
        return;
    from_hex(y, wanted);
    assert_memory_equal(bytes + 1 + KEY_BYTES, wanted, KEY_BYTES);
}

// mbedtls_ecp_mul on P-256; the code it gives.
static int multiply_p256(const struct product *product) {
    unsigned char bytes[KEY_BYTES];
    mbedtls_ecp_group group;
    mbedtls_ecp_point point;
    mbedtls_mpi scalar;
    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&point);
    mbedtls_mpi_init(&scalar);
    assert_int_equal(mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1), 0);
    from_hex(product->scalar, bytes);
    assert_int_equal(mbedtls_mpi_read_binary(&scalar, bytes, sizeof(bytes)), 0);
    read_point(&group, &point, product->point_x, product->point_y);
    // The result over its own operand: that is allowed, and done by the library.
    int code = mbedtls_ecp_mul(&group, &point, &scalar, &point, RANDOM);
    if (code == 0)
        assert_coordinates(&group, &point, product->x, product->y);
    mbedtls_mpi_free(&scalar);
    mbedtls_ecp_point_free(&point);
    mbedtls_ecp_group_free(&group);
    return code;
}

static void for_both(void (*check)(void)) {
    tls_ecp_nettle_switch(true);
    unsigned long count = tls_ecp_nettle_count();
    check();
    if (tls_ecp_nettle_start())
        assert_true(tls_ecp_nettle_count() > count);
    tls_ecp_nettle_switch(false);
    count = tls_ecp_nettle_count();
    check();
    assert_int_equal(tls_ecp_nettle_count(), count);
    tls_ecp_nettle_switch(true);
}

static void check_p256_known_answers(void) {
    static const struct product products[] = {
        {P256_I, P256_G_X, P256_G_Y, P256_GI_X, P256_GI_Y},
        {P256_R, P256_G_X, P256_G_Y, P256_GR_X, P256_GR_Y},
        {P256_I, P256_GR_X, P256_GR_Y, P256_GIR_X, NULL},
        {P256_R, P256_GI_X, P256_GI_Y, P256_GIR_X, NULL},
        {P256_1, P256_G_X, P256_G_Y, P256_G_X, P256_G_Y},
        {P256_2, P256_G_X, P256_G_Y, P256_2G_X, P256_2G_Y},
        {P256_N_LESS_1, P256_G_X, P256_G_Y, P256_G_X, P256_MINUS_G_Y},
        {P256_N_LESS_2, P256_G_X, P256_G_Y, P256_2G_X, P256_MINUS_2G_Y},
        {P256_1, P256_GI_X, P256_GI_Y, P256_GI_X, P256_GI_Y},
        {P256_2, P256_G_X, P256_MINUS_G_Y, P256_2G_X, P256_MINUS_2G_Y},
        {P256_N_LESS_1, P256_G_X, P256_MINUS_G_Y, P256_G_X, P256_G_Y},
        {P256_1, P256_0, P256_ROOT_OF_B, P256_0, P256_ROOT_OF_B},
    };
    for (size_t i = 0; i < sizeof(products) / sizeof(products[0]); i++)
        assert_int_equal(multiply_p256(&products[i]), 0);
}

static void test_p256_known_answers(void **state) {
    (void)state;
    for_both(check_p256_known_answers);
}

static void check_p256_refusals(void) {
    static const struct product products[] = {
        {P256_0, P256_G_X, P256_G_Y, NULL, NULL}, // private keys out of range
        {P256_N, P256_G_X, P256_G_Y, NULL, NULL},     {P256_P, P256_G_X, P256_G_Y, NULL, NULL},
        {P256_I, P256_G_X, P256_2G_Y, NULL, NULL}, // not on the curve
        {P256_I, P256_0, P256_0, NULL, NULL},         {P256_I, P256_0, P256_1, NULL, NULL},
        {P256_I, P256_P, P256_ROOT_OF_B, NULL, NULL}, // a coordinate that is not reduced
        {P256_I, P256_0, P256_P, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof(products) / sizeof(products[0]); i++)
        assert_int_equal(multiply_p256(&products[i]), MBEDTLS_ERR_ECP_INVALID_KEY);
}

static void test_p256_refusals(void **state) {
    (void)state;
    tls_ecp_nettle_switch(true);
    check_p256_refusals();
    tls_ecp_nettle_switch(false);
    check_p256_refusals();
    tls_ecp_nettle_switch(true);
}

// Key agreement as TLS 1.3 does it, through PSA.
static psa_status_t agree(psa_ecc_family_t family, const unsigned char *key, size_t bits,
                          const unsigned char *peer, size_t peer_length, unsigned char *secret) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id;
    size_t length;
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(family));
    psa_set_key_bits(&attributes, bits);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDH);
    assert_int_equal(psa_import_key(&attributes, key, KEY_BYTES, &id), PSA_SUCCESS);
    psa_status_t status =
        psa_raw_key_agreement(PSA_ALG_ECDH, id, peer, peer_length, secret, KEY_BYTES, &length);
    assert_int_equal(psa_destroy_key(id), PSA_SUCCESS);
    return status;
}

static psa_status_t x25519(const unsigned char *key, const unsigned char *u, unsigned char *out) {
    return agree(PSA_ECC_FAMILY_MONTGOMERY, key, 255, u, KEY_BYTES, out);
}

static void assert_x25519(const char *key, const char *u, const char *wanted) {
    unsigned char key_bytes[KEY_BYTES];
    unsigned char u_bytes[KEY_BYTES];
    unsigned char wanted_bytes[KEY_BYTES];
    unsigned char out[KEY_BYTES];
    from_hex(key, key_bytes);
    from_hex(u, u_bytes);
    from_hex(wanted, wanted_bytes);
    assert_int_equal(x25519(key_bytes, u_bytes, out), PSA_SUCCESS);
    assert_memory_equal(out, wanted_bytes, KEY_BYTES);
}

#define X25519_9 "0900000000000000000000000000000000000000000000000000000000000000"
#define X25519_KEY "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"
#define X25519_U "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"
#define X25519_U_BIT_255 "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1ccc"
#define X25519_OUT "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"

static void check_x25519_known_answers(void) {
    assert_x25519(X25519_KEY, X25519_U, X25519_OUT);
    assert_x25519(X25519_KEY, X25519_U_BIT_255, X25519_OUT); // RFC 7748: the top bit is masked
    assert_x25519("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
                  "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
                  "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
    assert_x25519(X25519_9, X25519_9,
                  "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
}

static void test_x25519_known_answers_of_rfc_7748(void **state) {
    (void)state;
    for_both(check_x25519_known_answers);
}

static void check_x25519_thousand_rounds(void) {
    unsigned char key[KEY_BYTES];
    unsigned char u[KEY_BYTES];
    unsigned char out[KEY_BYTES];
    unsigned char wanted[KEY_BYTES];
    from_hex(X25519_9, key);
    from_hex(X25519_9, u);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(x25519(key, u, out), PSA_SUCCESS);
        memcpy(u, key, KEY_BYTES);
        memcpy(key, out, KEY_BYTES);
    }
    from_hex("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51", wanted);
    assert_memory_equal(key, wanted, KEY_BYTES);
}

static void test_x25519_thousand_rounds_of_rfc_7748(void **state) {
    (void)state;
    for_both(check_x25519_thousand_rounds);
}

// Points of small order, and numbers that stand for them: the secret would be known to all.
static void check_x25519_refusals(void) {
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    unsigned char key[KEY_BYTES];
    unsigned char u[KEY_BYTES];
    unsigned char out[KEY_BYTES];
    from_hex(X25519_KEY, key);
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        from_hex(points[i], u);
        assert_int_not_equal(x25519(key, u, out), PSA_SUCCESS);
    }
}

static void test_x25519_refuses_points_of_small_order(void **state) {
    (void)state;
    tls_ecp_nettle_switch(true);
    check_x25519_refusals();
    tls_ecp_nettle_switch(false);
    check_x25519_refusals();
    tls_ecp_nettle_switch(true);
}

// Numbers just below and above the prime, the twist, many bits of one kind: what the two make of
// them is the same.
static void test_x25519_odd_points_give_the_same_both_ways(void **state) {
    (void)state;
    static const char *const points[] = {
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // p + 3
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ebffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // p - 2
        "0200000000000000000000000000000000000000000000000000000000000000", // on the twist
        "0000000000000000000000000000000000000000000000000000000000000080", // 0 with the top bit
        "00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffff7f",
    };
    unsigned char key[KEY_BYTES];
    unsigned char u[KEY_BYTES];
    unsigned char out[2][KEY_BYTES] = {{0}};
    from_hex(X25519_KEY, key);
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        from_hex(points[i], u);
        tls_ecp_nettle_switch(true);
        psa_status_t ours = x25519(key, u, out[0]);
        tls_ecp_nettle_switch(false);
        assert_int_equal(x25519(key, u, out[1]), ours);
        if (ours == PSA_SUCCESS)
            assert_memory_equal(out[0], out[1], KEY_BYTES);
    }
    tls_ecp_nettle_switch(true);
}

static void check_p256_agreement_by_psa(void) {
    unsigned char key[KEY_BYTES];
    unsigned char peer[POINT_BYTES] = {0x04};
    unsigned char secret[KEY_BYTES];
    unsigned char wanted[KEY_BYTES];
    from_hex(P256_I, key);
    from_hex(P256_GR_X, peer + 1);
    from_hex(P256_GR_Y, peer + 1 + KEY_BYTES);
    from_hex(P256_GIR_X, wanted);
    assert_int_equal(agree(PSA_ECC_FAMILY_SECP_R1, key, 256, peer, sizeof(peer), secret),
                     PSA_SUCCESS);
    assert_memory_equal(secret, wanted, KEY_BYTES);
    peer[POINT_BYTES - 1] ^= 1;
    assert_int_not_equal(agree(PSA_ECC_FAMILY_SECP_R1, key, 256, peer, sizeof(peer), secret),
                         PSA_SUCCESS);
}

static void test_p256_agreement_by_psa(void **state) {
    (void)state;
    for_both(check_p256_agreement_by_psa);
}

// RFC 6979 section A.2.5: the signature of "sample" with SHA-256 is deterministic.
static void check_ecdsa_signature(void) {
    static const unsigned char hash[KEY_BYTES] = {0xaf, 0x2b, 0xdb, 0xe1, 0xaa, 0x9b, 0x6e, 0xc1,
                                                  0xe2, 0xad, 0xe1, 0xd6, 0x94, 0xf4, 0x1f, 0xc7,
                                                  0x1a, 0x83, 0x1d, 0x02, 0x68, 0xe9, 0x89, 0x15,
                                                  0x62, 0x11, 0x3d, 0x8a, 0x62, 0xad, 0xd1, 0xbf};
    unsigned char bytes[KEY_BYTES];
    unsigned char wanted[KEY_BYTES];
    mbedtls_ecp_group group;
    mbedtls_mpi r;
    mbedtls_mpi s;
    mbedtls_mpi key;
    mbedtls_ecp_group_init(&group);
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    mbedtls_mpi_init(&key);
    assert_int_equal(mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1), 0);
    from_hex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721", bytes);
    assert_int_equal(mbedtls_mpi_read_binary(&key, bytes, sizeof(bytes)), 0);
    assert_int_equal(mbedtls_ecdsa_sign_det_ext(&group, &r, &s, &key, hash, sizeof(hash),
                                                MBEDTLS_MD_SHA256, RANDOM),
                     0);
    assert_int_equal(mbedtls_mpi_write_binary(&r, bytes, sizeof(bytes)), 0);
    from_hex("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716", wanted);
    assert_memory_equal(bytes, wanted, KEY_BYTES);
    assert_int_equal(mbedtls_mpi_write_binary(&s, bytes, sizeof(bytes)), 0);
    from_hex("f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8", wanted);
    assert_memory_equal(bytes, wanted, KEY_BYTES);
    mbedtls_mpi_free(&key);
    mbedtls_mpi_free(&s);
    mbedtls_mpi_free(&r);
    mbedtls_ecp_group_free(&group);
}

static void test_ecdsa_signature_of_rfc_6979(void **state) {
    (void)state;
    for_both(check_ecdsa_signature);
}

// The server's share of a handshake: its key pair, the agreement and the signature, at the least.
static void test_handshakes_of_both_versions_use_it(void **state) {
    (void)state;
    static const uint16_t groups[][3] = {
        {MBEDTLS_SSL_IANA_TLS_GROUP_X25519, MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, 0},
        {MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, 0, 0}};
    struct test_certificate certificate;
    struct tls_context *context;
    char error[TLS_ERROR_TEXT_BYTES];
    test_certificate_create(&certificate, TEST_KEY_EC);
    const struct tls_context_options context_options = {
        .certificate_file = certificate.certificate_file, .key_file = certificate.key_file};
    assert_int_equal(tls_context_create_server(&context_options, &context, error), GW_OK);
    for (size_t i = 0; i < 4; i++) {
        const struct test_tls_client_options options = {
            .version = i / 2 == 0 ? MBEDTLS_SSL_VERSION_TLS1_2 : MBEDTLS_SSL_VERSION_TLS1_3,
            .groups = groups[i % 2]};
        struct test_tls_pair pair;
        test_tls_pair_init(&pair, context, &options);
        assert_int_equal(test_tls_client_handshake(&pair.client), MBEDTLS_ERR_SSL_WANT_READ);
        unsigned long count = tls_ecp_nettle_count() + tls_ecdsa_nettle_count();
        assert_int_equal(test_tls_pair_serve(&pair), GW_WANT_INPUT);
        // TLS 1.2: key pair and signature; TLS 1.3: the agreement as well.
        if (tls_ecp_nettle_start())
            assert_true(tls_ecp_nettle_count() + tls_ecdsa_nettle_count() - count >= 2 + i / 2);
        assert_int_equal(test_tls_pair_handshake(&pair), GW_OK);
        test_tls_pair_deinit(&pair);
    }
    tls_context_release(context);
    test_certificate_destroy(&certificate);
#if GATEWAY_NETTLE
    // Its scratch is all given back, and has room for more than it needs: GMP never asks malloc.
    assert_int_equal(tls_gmp_memory_used(), 0);
    assert_in_range(tls_gmp_memory_peak(), 1, TLS_GMP_MEMORY_BYTES / 4);
#endif
}

static int set_up(void **state) {
    (void)state;
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    // The build found nettle, so it must pass the check.
    assert_true(tls_ecp_nettle_start() || !GATEWAY_NETTLE);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_p256_known_answers),
        cmocka_unit_test(test_p256_refusals),
        cmocka_unit_test(test_p256_agreement_by_psa),
        cmocka_unit_test(test_x25519_known_answers_of_rfc_7748),
        cmocka_unit_test(test_x25519_thousand_rounds_of_rfc_7748),
        cmocka_unit_test(test_x25519_refuses_points_of_small_order),
        cmocka_unit_test(test_x25519_odd_points_give_the_same_both_ways),
        cmocka_unit_test(test_ecdsa_signature_of_rfc_6979),
        cmocka_unit_test(test_handshakes_of_both_versions_use_it),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
