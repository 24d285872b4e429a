// SPDX-License-Identifier: MIT
// Every case runs through nettle and through the library; without nettle in the build, or without
// the instructions that it needs, through the latter alone.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mbedtls/gcm.h>
#include <mbedtls/psa_util.h>
#include <psa/crypto.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/certificate.h"
#include "tests/support/tls_pair.h"
#include "tls/accelerate/ecp_nettle.h"
#include "tls/accelerate/gcm_nettle.h"

#define BYTES_MAX (16 * 1024 + 1)
#define DATA_BYTES 20
#define NONCE_BYTES 12
#define TAG_BYTES 16

struct message {
    unsigned char nonce[NONCE_BYTES];
    unsigned char data[DATA_BYTES];
    size_t data_length;
    unsigned char plain[BYTES_MAX];
    size_t length;
};

static bool is_on; // nettle has passed the check at start

static size_t from_hex(const char *hex, unsigned char *bytes) {
    size_t length = strlen(hex) / 2;
    for (size_t i = 0; i < length; i++) {
        const char digits[] = {hex[2 * i], hex[2 * i + 1], '\0'};
        char *end;
        bytes[i] = (unsigned char)strtoul(digits, &end, 16);
        assert_true(*end == '\0');
    }
    return length;
}

static void fill(void *bytes, size_t length) {
    for (size_t at = 0; at < length; at += 1024) {
        size_t piece = length - at < 1024 ? length - at : 1024;
        assert_int_equal(
            mbedtls_psa_get_random(MBEDTLS_PSA_RANDOM_STATE, (unsigned char *)bytes + at, piece),
            0);
    }
}

static void make_key(mbedtls_gcm_context *gcm, mbedtls_cipher_id_t id, unsigned bits) {
    unsigned char key[32];
    fill(key, sizeof(key));
    mbedtls_gcm_init(gcm);
    assert_int_equal(mbedtls_gcm_setkey(gcm, id, key, bits), 0);
}

static int encrypt(mbedtls_gcm_context *gcm, const struct message *message, unsigned char *output,
                   unsigned char tag[TAG_BYTES]) {
    return mbedtls_gcm_crypt_and_tag(gcm, MBEDTLS_GCM_ENCRYPT, message->length, message->nonce,
                                     NONCE_BYTES, message->data, message->data_length,
                                     message->plain, output, TAG_BYTES, tag);
}

static int decrypt(mbedtls_gcm_context *gcm, const struct message *message,
                   const unsigned char *input, const unsigned char *tag, unsigned char *output) {
    return mbedtls_gcm_auth_decrypt(gcm, message->length, message->nonce, NONCE_BYTES,
                                    message->data, message->data_length, tag, TAG_BYTES, input,
                                    output);
}

// To one text and tag both ways, and back again both ways, in place too; by whom it was done.
static void assert_same_both_ways(mbedtls_gcm_context *gcm, const struct message *message,
                                  unsigned char *first, unsigned char first_tag[TAG_BYTES]) {
    static unsigned char second[BYTES_MAX];
    unsigned char second_tag[TAG_BYTES];
    unsigned long count = tls_gcm_nettle_count();
    assert_int_equal(encrypt(gcm, message, first, first_tag), 0);
    assert_int_equal(decrypt(gcm, message, first, first_tag, second), 0);
    assert_int_equal(tls_gcm_nettle_count() - count, is_on ? 2 : 0);
    assert_memory_equal(second, message->plain, message->length);
    tls_ecp_nettle_switch(false);
    count = tls_gcm_nettle_count();
    assert_int_equal(encrypt(gcm, message, second, second_tag), 0);
    assert_memory_equal(second, first, message->length);
    assert_memory_equal(second_tag, first_tag, TAG_BYTES);
    assert_int_equal(decrypt(gcm, message, second, second_tag, second), 0);
    assert_int_equal(tls_gcm_nettle_count(), count);
    tls_ecp_nettle_switch(true);
    assert_memory_equal(second, message->plain, message->length);
    memcpy(second, first, message->length);
    assert_int_equal(decrypt(gcm, message, second, first_tag, second), 0);
    assert_memory_equal(second, message->plain, message->length);
}

static void assert_known(const char *key_hex, const char *text_hex, const char *tag_hex) {
    static struct message message;
    unsigned char key[32];
    unsigned char wanted[64];
    unsigned char text[64];
    unsigned char tag[TAG_BYTES];
    mbedtls_gcm_context gcm;
    mbedtls_gcm_init(&gcm);
    size_t key_length = from_hex(key_hex, key);
    assert_int_equal(
        mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, key, (unsigned)(8 * key_length)), 0);
    (void)from_hex("cafebabefacedbaddecaf888", message.nonce);
    message.data_length = from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2", message.data);
    message.length = from_hex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532f"
        "cf0e2449a6b525b16aedf5aa0de657ba637b39",
        message.plain);
    assert_same_both_ways(&gcm, &message, text, tag);
    assert_int_equal(from_hex(text_hex, wanted), message.length);
    assert_memory_equal(text, wanted, message.length);
    (void)from_hex(tag_hex, wanted);
    assert_memory_equal(tag, wanted, TAG_BYTES);
    mbedtls_gcm_free(&gcm);
}

// Test cases 4 and 16 of McGrew and Viega, "The Galois/Counter Mode of Operation".
static void test_known_answers(void **state) {
    (void)state;
    assert_known(
        "feffe9928665731c6d6a8f9467308308",
        "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d"
        "8f6a5aac84aa051ba30b396a0aac973d58e091",
        "5bc94fbc3221a5db94fae95ae7121a47");
    assert_known(
        "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7"
        "b08b1056828838c5f61e6393ba7a0abcc9f662",
        "76fc6ece0f4e1768cddf8853bb2d551b");
}

static void test_every_length_of_small_records_and_those_near_the_largest(void **state) {
    (void)state;
    static struct message message;
    static unsigned char text[BYTES_MAX];
    unsigned char tag[TAG_BYTES];
    for (unsigned bits = 128; bits <= 256; bits += 128) {
        mbedtls_gcm_context gcm;
        make_key(&gcm, MBEDTLS_CIPHER_ID_AES, bits);
        fill(&message.plain, sizeof(message.plain));
        for (size_t length = 0; length <= BYTES_MAX; length++) {
            fill(message.nonce, sizeof(message.nonce));
            fill(message.data, sizeof(message.data));
            message.length = length;
            message.data_length = length % (DATA_BYTES + 1);
            assert_same_both_ways(&gcm, &message, text, tag);
            if (length == 600)
                length = BYTES_MAX - 20;
        }
        mbedtls_gcm_free(&gcm);
    }
}

static bool is_zero(const unsigned char *bytes, size_t length) {
    unsigned char seen = 0;
    for (size_t i = 0; i < length; i++)
        seen |= bytes[i];
    return seen == 0;
}

static void test_a_changed_bit_anywhere_is_refused_and_nothing_given_out(void **state) {
    (void)state;
    static struct message message = {.data_length = 5, .length = 40};
    unsigned char sealed[NONCE_BYTES + 5 + 40 + TAG_BYTES];
    unsigned char text[40];
    unsigned char tag[TAG_BYTES];
    unsigned char output[40];
    mbedtls_gcm_context gcm;
    make_key(&gcm, MBEDTLS_CIPHER_ID_AES, 128);
    fill(message.plain, message.length);
    assert_int_equal(encrypt(&gcm, &message, text, tag), 0);
    memcpy(sealed, message.nonce, NONCE_BYTES);
    memcpy(sealed + NONCE_BYTES, message.data, 5);
    memcpy(sealed + NONCE_BYTES + 5, text, sizeof(text));
    memcpy(sealed + NONCE_BYTES + 5 + sizeof(text), tag, TAG_BYTES);
    for (size_t bit = 0; bit < 2 * 8 * sizeof(sealed); bit++) {
        unsigned char *changed = &sealed[bit / 8 % sizeof(sealed)];
        tls_ecp_nettle_switch(bit < 8 * sizeof(sealed));
        *changed = (unsigned char)(*changed ^ (1U << bit % 8));
        memset(output, 0xaa, sizeof(output));
        assert_int_equal(mbedtls_gcm_auth_decrypt(&gcm, sizeof(text), sealed, NONCE_BYTES,
                                                  sealed + NONCE_BYTES, 5,
                                                  sealed + NONCE_BYTES + 5 + sizeof(text),
                                                  TAG_BYTES, sealed + NONCE_BYTES + 5, output),
                         MBEDTLS_ERR_GCM_AUTH_FAILED);
        assert_true(is_zero(output, sizeof(output)));
        *changed = (unsigned char)(*changed ^ (1U << bit % 8));
    }
    tls_ecp_nettle_switch(true);
    mbedtls_gcm_free(&gcm);
}

static void test_other_keys_and_ciphers_go_to_the_library(void **state) {
    (void)state;
    static struct message message = {.length = 100, .data_length = 13};
    unsigned char text[100];
    unsigned char tag[TAG_BYTES];
    unsigned char output[100];
    unsigned long count = tls_gcm_nettle_count();
    for (int i = 0; i < 2; i++) {
        mbedtls_gcm_context gcm;
        make_key(&gcm, i == 0 ? MBEDTLS_CIPHER_ID_AES : MBEDTLS_CIPHER_ID_CAMELLIA,
                 i == 0 ? 192 : 128);
        assert_int_equal(encrypt(&gcm, &message, text, tag), 0);
        assert_int_equal(decrypt(&gcm, &message, text, tag, output), 0);
        assert_memory_equal(output, message.plain, message.length);
        mbedtls_gcm_free(&gcm);
    }
    assert_int_equal(tls_gcm_nettle_count(), count);
}

static void test_other_nonces_tags_and_directions_go_to_the_library(void **state) {
    (void)state;
    static const unsigned char nonce[16] = {1};
    static const unsigned char plain[64] = {2};
    unsigned char text[64];
    unsigned char output[64];
    unsigned char tag[TAG_BYTES];
    mbedtls_gcm_context gcm;
    make_key(&gcm, MBEDTLS_CIPHER_ID_AES, 128);
    unsigned long count = tls_gcm_nettle_count();
    for (size_t nonce_length = 11; nonce_length <= 16; nonce_length++) {
        size_t tag_length = nonce_length == NONCE_BYTES ? 12 : TAG_BYTES;
        assert_int_equal(mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, sizeof(plain), nonce,
                                                   nonce_length, NULL, 0, plain, text, tag_length,
                                                   tag),
                         0);
        assert_int_equal(mbedtls_gcm_auth_decrypt(&gcm, sizeof(text), nonce, nonce_length, NULL, 0,
                                                  tag, tag_length, text, output),
                         0);
        assert_memory_equal(output, plain, sizeof(plain));
    }
    assert_int_equal(mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_DECRYPT, sizeof(text), nonce,
                                               NONCE_BYTES, NULL, 0, text, output, TAG_BYTES, tag),
                     0);
    assert_int_equal(tls_gcm_nettle_count(), count);
    mbedtls_gcm_free(&gcm);
}

// The library may write to a little in front of where it reads.
static void test_buffers_that_overlap_go_to_the_library(void **state) {
    (void)state;
    static struct message message = {.length = 100};
    unsigned char bytes[108];
    unsigned char tag[TAG_BYTES];
    mbedtls_gcm_context gcm;
    make_key(&gcm, MBEDTLS_CIPHER_ID_AES, 128);
    assert_int_equal(encrypt(&gcm, &message, bytes + 8, tag), 0);
    unsigned long count = tls_gcm_nettle_count();
    assert_int_equal(decrypt(&gcm, &message, bytes + 8, tag, bytes), 0);
    assert_int_equal(tls_gcm_nettle_count(), count);
    assert_memory_equal(bytes, message.plain, message.length);
    mbedtls_gcm_free(&gcm);
}

// What a session writes and reads goes through it.
static void test_records_of_both_versions(void **state) {
    (void)state;
    static const mbedtls_ssl_protocol_version versions[] = {MBEDTLS_SSL_VERSION_TLS1_2,
                                                            MBEDTLS_SSL_VERSION_TLS1_3};
    char error[TLS_ERROR_TEXT_BYTES];
    struct test_certificate certificate;
    struct tls_context *context;
    test_certificate_create(&certificate, TEST_KEY_EC);
    const struct tls_context_options options = {.certificate_file = certificate.certificate_file,
                                                .key_file = certificate.key_file};
    assert_int_equal(tls_context_create_server(&options, &context, error), GW_OK);
    for (int i = 0; i < 2; i++) {
        const struct test_tls_client_options client = {.version = versions[i]};
        struct test_tls_pair pair;
        test_tls_pair_init(&pair, context, &client);
        assert_int_equal(test_tls_pair_handshake(&pair), GW_OK);
        unsigned long count = tls_gcm_nettle_count();
        assert_int_equal(tls_session_write(pair.server, GW_STR("hello")), GW_OK);
        assert_int_equal(tls_gcm_nettle_count() - count, is_on ? 1 : 0);
        test_tls_pair_deinit(&pair);
    }
    tls_context_release(context);
    test_certificate_destroy(&certificate);
}

static bool has_instructions(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
#else
    return false;
#endif
}

static int set_up(void **state) {
    (void)state;
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    (void)tls_ecp_nettle_start();
    is_on = tls_gcm_nettle_start();
    // The build found nettle and the processor can: so it must pass the check.
    assert_int_equal(is_on, GATEWAY_NETTLE && has_instructions());
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_every_length_of_small_records_and_those_near_the_largest),
        cmocka_unit_test(test_a_changed_bit_anywhere_is_refused_and_nothing_given_out),
        cmocka_unit_test(test_other_keys_and_ciphers_go_to_the_library),
        cmocka_unit_test(test_other_nonces_tags_and_directions_go_to_the_library),
        cmocka_unit_test(test_buffers_that_overlap_go_to_the_library),
        cmocka_unit_test(test_records_of_both_versions),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
