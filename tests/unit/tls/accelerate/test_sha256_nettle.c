// SPDX-License-Identifier: MIT
// Every case runs through nettle and through the library's own blocks; without nettle in the build,
// through the latter alone.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mbedtls/md.h>
#include <psa/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "tls/accelerate/ecp_nettle.h"
#include "tls/accelerate/sha256_nettle.h"

#define ALGORITHM PSA_ALG_SHA_256
#define DIGEST_BYTES 32
#define BLOCK_BYTES 64

static void from_hex(const char *hex, unsigned char *bytes) {
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        const char digits[] = {hex[2 * i], hex[2 * i + 1], '\0'};
        char *end;
        bytes[i] = (unsigned char)strtoul(digits, &end, 16);
        assert_true(*end == '\0');
    }
}

// In pieces of `piece` bytes.
static void digest(const char *text, size_t length, size_t piece, unsigned char *out) {
    psa_hash_operation_t operation = PSA_HASH_OPERATION_INIT;
    size_t out_length;
    assert_int_equal(psa_hash_setup(&operation, ALGORITHM), PSA_SUCCESS);
    for (size_t at = 0; at < length; at += piece) {
        size_t bytes = piece < length - at ? piece : length - at;
        assert_int_equal(psa_hash_update(&operation, (const uint8_t *)text + at, bytes),
                         PSA_SUCCESS);
    }
    assert_int_equal(psa_hash_finish(&operation, out, DIGEST_BYTES, &out_length), PSA_SUCCESS);
    assert_int_equal(out_length, DIGEST_BYTES);
}

// Both ways, and by whom it was made.
static void assert_digest(const char *text, size_t length, size_t piece,
                          const unsigned char *wanted) {
    unsigned char found[DIGEST_BYTES];
    size_t blocks = (length + 8) / BLOCK_BYTES + 1;
    unsigned long count = tls_sha256_nettle_count();
    digest(text, length, piece, found);
    assert_memory_equal(found, wanted, DIGEST_BYTES);
    assert_int_equal(tls_sha256_nettle_count() - count, GATEWAY_NETTLE ? blocks : 0);
    tls_ecp_nettle_switch(false);
    count = tls_sha256_nettle_count();
    digest(text, length, piece, found);
    assert_memory_equal(found, wanted, DIGEST_BYTES);
    assert_int_equal(tls_sha256_nettle_count(), count);
    tls_ecp_nettle_switch(true);
}

// FIPS 180-4, the examples of NIST.
static void test_published_digests(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *digest;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrl"
         "m"
         "nopqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned char wanted[DIGEST_BYTES];
        from_hex(cases[i].digest, wanted);
        for (size_t piece = 1; piece <= 2 * BLOCK_BYTES; piece++)
            assert_digest(cases[i].text, strlen(cases[i].text), piece, wanted);
    }
}

static void test_a_million_bytes(void **state) {
    (void)state;
    static const size_t pieces[] = {1, 63, 64, 65, 1000, 1000000};
    const size_t length = 1000000;
    unsigned char wanted[DIGEST_BYTES];
    char *text = malloc(length);
    assert_non_null(text);
    memset(text, 'a', length);
    from_hex("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", wanted);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
        assert_digest(text, length, pieces[i], wanted);
    free(text);
}

static void test_a_clone_goes_its_own_way(void **state) {
    (void)state;
    psa_hash_operation_t first = PSA_HASH_OPERATION_INIT;
    psa_hash_operation_t second = PSA_HASH_OPERATION_INIT;
    unsigned char wanted[DIGEST_BYTES];
    unsigned char found[DIGEST_BYTES];
    size_t length;
    from_hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", wanted);
    assert_int_equal(psa_hash_setup(&first, ALGORITHM), PSA_SUCCESS);
    assert_int_equal(psa_hash_update(&first, (const uint8_t *)"ab", 2), PSA_SUCCESS);
    assert_int_equal(psa_hash_clone(&first, &second), PSA_SUCCESS);
    assert_int_equal(psa_hash_update(&first, (const uint8_t *)"x", 1), PSA_SUCCESS);
    assert_int_equal(psa_hash_finish(&first, found, sizeof(found), &length), PSA_SUCCESS);
    assert_memory_not_equal(found, wanted, sizeof(found));
    assert_int_equal(psa_hash_update(&second, (const uint8_t *)"c", 1), PSA_SUCCESS);
    assert_int_equal(psa_hash_finish(&second, found, sizeof(found), &length), PSA_SUCCESS);
    assert_memory_equal(found, wanted, sizeof(found));
}

// RFC 4231 section 4.3.
static void test_hmac(void **state) {
    (void)state;
    static const char text[] = "what do ya want for nothing?";
    unsigned char wanted[DIGEST_BYTES];
    unsigned char found[DIGEST_BYTES];
    unsigned long count = tls_sha256_nettle_count();
    from_hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", wanted);
    assert_int_equal(mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256),
                                     (const unsigned char *)"Jefe", 4, (const unsigned char *)text,
                                     strlen(text), found),
                     0);
    assert_memory_equal(found, wanted, sizeof(found));
    assert_int_equal(tls_sha256_nettle_count() - count, GATEWAY_NETTLE ? 4 : 0);
}

// SHA-224 shares the blocks and not the end.
static void test_sha224(void **state) {
    (void)state;
    static const unsigned char wanted[] = {
        0x23, 0x09, 0x7d, 0x22, 0x34, 0x05, 0xd8, 0x22, 0x86, 0x42, 0xa4, 0x77, 0xbd, 0xa2,
        0x55, 0xb3, 0x2a, 0xad, 0xbc, 0xe4, 0xbd, 0xa0, 0xb3, 0xf7, 0xe3, 0x6c, 0x9d, 0xa7};
    unsigned char found[sizeof(wanted)];
    size_t length;
    assert_int_equal(
        psa_hash_compute(PSA_ALG_SHA_224, (const uint8_t *)"abc", 3, found, sizeof(found), &length),
        PSA_SUCCESS);
    assert_int_equal(length, sizeof(wanted));
    assert_memory_equal(found, wanted, sizeof(wanted));
}

static int start(void **state) {
    (void)state;
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    assert_int_equal(tls_ecp_nettle_start(), GATEWAY_NETTLE);
    assert_int_equal(tls_sha256_nettle_start(), GATEWAY_NETTLE);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_digests),
        cmocka_unit_test(test_a_million_bytes),
        cmocka_unit_test(test_a_clone_goes_its_own_way),
        cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_sha224),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
