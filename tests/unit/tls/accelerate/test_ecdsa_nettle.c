// SPDX-License-Identifier: MIT
// Every case runs through nettle and through the library's own signatures; without nettle in the
// build, through the latter alone.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mbedtls/ecdsa.h>
#include <mbedtls/psa_util.h>
#include <psa/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "tls/accelerate/ecdsa_nettle.h"
#include "tls/accelerate/ecp_nettle.h"

#define RANDOM mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE
#define KEY_BYTES 32
#define HASH_BYTES_MAX 48

// RFC 6979 section A.2.5.
#define KEY "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
#define HASH_OF_SAMPLE "af2bdbe1aa9b6ec1e2ade1d694f41fc71a831d0268e9891562113d8a62add1bf"
#define SAMPLE_R "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
#define SAMPLE_S "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
#define HASH_OF_TEST "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define TEST_R "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
#define TEST_S "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"
#define P256_N "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"

struct signature {
    unsigned char bytes[MBEDTLS_ECDSA_MAX_LEN];
    size_t length;
};

static void from_hex(const char *hex, unsigned char *bytes) {
    for (size_t i = 0; i < KEY_BYTES; i++) {
        const char digits[] = {hex[2 * i], hex[2 * i + 1], '\0'};
        char *end;
        bytes[i] = (unsigned char)strtoul(digits, &end, 16);
        assert_true(*end == '\0');
    }
}

static void read_key(mbedtls_ecdsa_context *key) {
    unsigned char bytes[KEY_BYTES];
    mbedtls_ecdsa_init(key);
    from_hex(KEY, bytes);
    assert_int_equal(mbedtls_ecp_read_key(MBEDTLS_ECP_DP_SECP256R1, key, bytes, sizeof(bytes)), 0);
    assert_int_equal(mbedtls_ecp_keypair_calc_public(key, RANDOM), 0);
}

static struct signature sign(mbedtls_ecdsa_context *key, mbedtls_md_type_t type,
                             const unsigned char *hash, size_t hash_length) {
    struct signature signature;
    assert_int_equal(mbedtls_ecdsa_write_signature(key, type, hash, hash_length, signature.bytes,
                                                   sizeof(signature.bytes), &signature.length,
                                                   RANDOM),
                     0);
    assert_int_equal(
        mbedtls_ecdsa_read_signature(key, hash, hash_length, signature.bytes, signature.length), 0);
    return signature;
}

// The same signature both ways, and by whom it was made.
static struct signature sign_both(mbedtls_ecdsa_context *key, mbedtls_md_type_t type,
                                  const unsigned char *hash, size_t hash_length, bool is_ours) {
    unsigned long count = tls_ecdsa_nettle_count();
    struct signature first = sign(key, type, hash, hash_length);
    assert_int_equal(tls_ecdsa_nettle_count() - count, GATEWAY_NETTLE && is_ours);
    tls_ecp_nettle_switch(false);
    count = tls_ecdsa_nettle_count();
    struct signature second = sign(key, type, hash, hash_length);
    assert_int_equal(tls_ecdsa_nettle_count(), count);
    tls_ecp_nettle_switch(true);
    assert_int_equal(first.length, second.length);
    assert_memory_equal(first.bytes, second.bytes, first.length);
    return first;
}

static void assert_known(const char *hash_hex, const char *r, const char *s) {
    unsigned char hash[KEY_BYTES];
    unsigned char wanted[2 * KEY_BYTES];
    unsigned char raw[2 * KEY_BYTES];
    size_t length;
    mbedtls_ecdsa_context key;
    read_key(&key);
    from_hex(hash_hex, hash);
    from_hex(r, wanted);
    from_hex(s, wanted + KEY_BYTES);
    struct signature signature = sign_both(&key, MBEDTLS_MD_SHA256, hash, sizeof(hash), true);
    assert_int_equal(mbedtls_ecdsa_der_to_raw(8 * KEY_BYTES, signature.bytes, signature.length, raw,
                                              sizeof(raw), &length),
                     0);
    assert_memory_equal(raw, wanted, sizeof(wanted));
    mbedtls_ecdsa_free(&key);
}

static void test_known_answers_of_rfc_6979(void **state) {
    (void)state;
    assert_known(HASH_OF_SAMPLE, SAMPLE_R, SAMPLE_S);
    assert_known(HASH_OF_TEST, TEST_R, TEST_S);
}

static void test_hashes_at_the_order_of_the_curve(void **state) {
    (void)state;
    unsigned char hash[KEY_BYTES];
    mbedtls_ecdsa_context key;
    read_key(&key);
    for (int offset = -1; offset <= 1; offset++) {
        from_hex(P256_N, hash);
        hash[KEY_BYTES - 1] = (unsigned char)(hash[KEY_BYTES - 1] + offset);
        (void)sign_both(&key, MBEDTLS_MD_SHA256, hash, sizeof(hash), true);
    }
    for (int byte = 0; byte <= 0xff; byte += 0xff) {
        memset(hash, byte, sizeof(hash));
        (void)sign_both(&key, MBEDTLS_MD_SHA256, hash, sizeof(hash), true);
    }
    mbedtls_ecdsa_free(&key);
}

static void test_random_keys_and_hashes(void **state) {
    (void)state;
    unsigned char hash[KEY_BYTES];
    for (int i = 0; i < 20; i++) {
        mbedtls_ecdsa_context key;
        mbedtls_ecdsa_init(&key);
        assert_int_equal(mbedtls_ecdsa_genkey(&key, MBEDTLS_ECP_DP_SECP256R1, RANDOM), 0);
        assert_int_equal(mbedtls_psa_get_random(MBEDTLS_PSA_RANDOM_STATE, hash, sizeof(hash)), 0);
        (void)sign_both(&key, MBEDTLS_MD_SHA256, hash, sizeof(hash), true);
        mbedtls_ecdsa_free(&key);
    }
}

static void test_other_hashes_and_curves_go_to_the_library(void **state) {
    (void)state;
    static const unsigned char hash[HASH_BYTES_MAX] = {1};
    mbedtls_ecdsa_context p256;
    mbedtls_ecdsa_context p384;
    read_key(&p256);
    mbedtls_ecdsa_init(&p384);
    assert_int_equal(mbedtls_ecdsa_genkey(&p384, MBEDTLS_ECP_DP_SECP384R1, RANDOM), 0);
    (void)sign_both(&p256, MBEDTLS_MD_SHA384, hash, HASH_BYTES_MAX, false);
    (void)sign_both(&p384, MBEDTLS_MD_SHA384, hash, HASH_BYTES_MAX, false);
    (void)sign_both(&p384, MBEDTLS_MD_SHA256, hash, KEY_BYTES, false);
    mbedtls_ecdsa_free(&p384);
    mbedtls_ecdsa_free(&p256);
}

static void test_keys_out_of_range_and_small_buffers_are_refused(void **state) {
    (void)state;
    static const unsigned char hash[KEY_BYTES] = {1};
    unsigned char signature[8];
    size_t length;
    mbedtls_ecdsa_context key;
    read_key(&key);
    for (int i = 0; i < 2; i++) {
        tls_ecp_nettle_switch(i == 0);
        assert_int_not_equal(mbedtls_ecdsa_write_signature(&key, MBEDTLS_MD_SHA256, hash,
                                                           sizeof(hash), signature,
                                                           sizeof(signature), &length, RANDOM),
                             0);
    }
    mbedtls_ecdsa_free(&key);
    unsigned char der[MBEDTLS_ECDSA_MAX_LEN];
    for (int i = 0; i < 2; i++) { // a key that was never read
        tls_ecp_nettle_switch(i == 0);
        mbedtls_ecdsa_init(&key);
        assert_int_equal(mbedtls_ecp_group_load(&key.private_grp, MBEDTLS_ECP_DP_SECP256R1), 0);
        assert_int_not_equal(mbedtls_ecdsa_write_signature(&key, MBEDTLS_MD_SHA256, hash,
                                                           sizeof(hash), der, sizeof(der), &length,
                                                           RANDOM),
                             0);
        mbedtls_ecdsa_free(&key);
    }
    tls_ecp_nettle_switch(true);
}

static int set_up(void **state) {
    (void)state;
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    // The build found nettle, so it must pass the checks.
    assert_true((tls_ecp_nettle_start() && tls_ecdsa_nettle_start()) || !GATEWAY_NETTLE);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers_of_rfc_6979),
        cmocka_unit_test(test_hashes_at_the_order_of_the_curve),
        cmocka_unit_test(test_random_keys_and_hashes),
        cmocka_unit_test(test_other_hashes_and_curves_go_to_the_library),
        cmocka_unit_test(test_keys_out_of_range_and_small_buffers_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
