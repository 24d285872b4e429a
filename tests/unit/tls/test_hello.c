// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <mbedtls/ssl_ciphersuites.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/certificate.h"
#include "tests/support/tls_pair.h"
#include "tls/hello.h"
#include "tls/tickets.h"

static const mbedtls_ssl_protocol_version versions[] = {MBEDTLS_SSL_VERSION_TLS1_2,
                                                        MBEDTLS_SSL_VERSION_TLS1_3};

// The hello of a client of the library, in memory that the caller frees.
static struct gw_str make_hello(const struct test_tls_client_options *options, char **memory) {
    struct test_tls_client client;
    test_tls_client_init(&client, options);
    assert_int_equal(test_tls_client_handshake(&client), MBEDTLS_ERR_SSL_WANT_READ);
    struct gw_str bytes = gw_buf_bytes(&client.output);
    *memory = malloc(bytes.length + 1);
    assert_non_null(*memory);
    memcpy(*memory, bytes.at, bytes.length);
    test_tls_client_deinit(&client);
    return gw_str(*memory, bytes.length);
}

static struct tls_hello read_hello(const struct test_tls_client_options *options) {
    struct tls_hello hello;
    char *memory;
    struct gw_str bytes = make_hello(options, &memory);
    assert_int_equal(tls_hello_read(bytes, &hello), GW_OK);
    free(memory);
    return hello;
}

static void test_a_first_hello_brings_no_ticket(void **state) {
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct tls_hello hello =
            read_hello(&(struct test_tls_client_options){.version = versions[i]});
        assert_false(hello.may_resume);
    }
}

static void test_aes_128_is_found_anywhere_in_the_list(void **state) {
    (void)state;
    static const int last[] = {MBEDTLS_TLS1_3_AES_256_GCM_SHA384, MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
                               0};
    static const int never[] = {MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
                                MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256, 0};
    struct test_tls_client_options options = {.version = MBEDTLS_SSL_VERSION_TLS1_3,
                                              .suites = last};
    assert_true(read_hello(&options).offers_aes_128);
    options.suites = never;
    assert_false(read_hello(&options).offers_aes_128);
}

static void test_a_client_with_a_ticket_may_resume(void **state) {
    (void)state;
    static const unsigned char secret[TLS_TICKET_SECRET_BYTES] = {1};
    struct test_certificate certificate;
    struct tls_context *context;
    char error[TLS_ERROR_TEXT_BYTES];
    test_certificate_create(&certificate, TEST_KEY_EC);
    const struct tls_context_options context_options = {.certificate_file =
                                                            certificate.certificate_file,
                                                        .key_file = certificate.key_file,
                                                        .ticket_secret = secret};
    assert_int_equal(tls_context_create_server(&context_options, &context, error), GW_OK);
    for (size_t i = 0; i < 2; i++) {
        struct test_tls_client_options options = {.version = versions[i]};
        struct test_tls_pair pair;
        mbedtls_ssl_session session;
        mbedtls_ssl_session_init(&session);
        test_tls_pair_init(&pair, context, &options);
        assert_int_equal(test_tls_pair_handshake(&pair), GW_OK);
        assert_false(tls_session_is_resumed(pair.server));
        assert_true(test_tls_client_take_session(&pair.client, &session));
        test_tls_pair_deinit(&pair);

        options.session = &session;
        assert_true(read_hello(&options).may_resume);
        test_tls_pair_init(&pair, context, &options);
        assert_int_equal(test_tls_pair_handshake(&pair), GW_OK);
        assert_true(tls_session_is_resumed(pair.server));
        test_tls_pair_deinit(&pair);
        mbedtls_ssl_session_free(&session);
    }
    tls_context_release(context);
    test_certificate_destroy(&certificate);
}

static void test_kinds_of_keys_are_those_of_suites_and_signatures(void **state) {
    (void)state;
    static const struct {
        int suites[3];
        mbedtls_ssl_protocol_version version;
        bool takes_ecdsa, takes_rsa;
    } cases[] = {
        {{MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
         MBEDTLS_SSL_VERSION_TLS1_2,
         true,
         false},
        {{MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256},
         MBEDTLS_SSL_VERSION_TLS1_2,
         false,
         true},
        {{MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
          MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384},
         MBEDTLS_SSL_VERSION_TLS1_2,
         true,
         true},
        {{MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256}, MBEDTLS_SSL_VERSION_TLS1_3, true, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls_hello hello = read_hello(&(struct test_tls_client_options){
            .version = cases[i].version, .suites = cases[i].suites});
        assert_int_equal(hello.takes_ecdsa, cases[i].takes_ecdsa);
        assert_int_equal(hello.takes_rsa, cases[i].takes_rsa);
        assert_false(hello.offers_early_data);
    }
}

// One suite of TLS 1.3, signature_algorithms with one, early_data.
static void test_signatures_and_early_data_are_found(void **state) {
    (void)state;
#define HELLO_FOR(signature)                                                                       \
    GW_STR_INIT("\x16\x03\x01\x00\x3a\x01\x00\x00\x36\x03\x03--------------------------------\x00" \
                "\x00\x02\x13\x01\x00\x00\x0c\x00\x0d\x00\x04\x00\x02" signature                   \
                "\x00\x2a\x00\x00")
    static const struct {
        struct gw_str bytes;
        bool takes_ecdsa, takes_rsa;
    } cases[] = {
        {HELLO_FOR("\x04\x03"), true, false},  {HELLO_FOR("\x08\x04"), false, true},
        {HELLO_FOR("\x04\x01"), false, true},  {HELLO_FOR("\x08\x07"), false, false}, // Ed25519
        {HELLO_FOR("\x08\x09"), false, false}, // a key that is for RSA-PSS alone
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls_hello hello;
        assert_int_equal(tls_hello_read(cases[i].bytes, &hello), GW_OK);
        assert_int_equal(hello.takes_ecdsa, cases[i].takes_ecdsa);
        assert_int_equal(hello.takes_rsa, cases[i].takes_rsa);
        assert_true(hello.offers_early_data);
    }
#undef HELLO_FOR
}

static void test_the_server_name_is_found(void **state) {
    (void)state;
    struct tls_hello hello;
    char *memory;
    for (size_t i = 0; i < 2; i++) {
        struct gw_str bytes =
            make_hello(&(struct test_tls_client_options){.version = versions[i],
                                                         .server_name = "api.example.com"},
                       &memory);
        assert_int_equal(tls_hello_read(bytes, &hello), GW_OK);
        assert_true(gw_str_equal(hello.server_name, GW_STR("api.example.com")));
        free(memory);
    }
}

// No suites, no compression methods, one extension.
#define HELLO_WITH(message_bytes, record_bytes, extensions)                                        \
    GW_STR_INIT("\x16\x03\x01\x00" record_bytes "\x01\x00\x00" message_bytes                       \
                "\x03\x03--------------------------------\x00\x00\x00\x00" extensions)

static void test_names_of_other_kinds_and_broken_ones_are_none(void **state) {
    (void)state;
    static const struct gw_str inputs[] = {
        // a name of kind 1
        HELLO_WITH("\x31", "\x35", "\x00\x09\x00\x00\x00\x05\x00\x03\x01\x00\x00"),
        // longer than its list, its list longer than the extension, the extension longer than all
        HELLO_WITH("\x32", "\x36", "\x00\x0a\x00\x00\x00\x06\x00\x04\x00\x00\x02x"),
        HELLO_WITH("\x32", "\x36", "\x00\x0a\x00\x00\x00\x06\x00\x05\x00\x00\x01x"),
        HELLO_WITH("\x32", "\x36", "\x00\x0a\x00\x00\x00\x07\x00\x04\x00\x00\x01x"),
        // an empty list
        HELLO_WITH("\x2e", "\x32", "\x00\x06\x00\x00\x00\x02\x00\x00"),
    };
    static const struct gw_str good =
        HELLO_WITH("\x32", "\x36", "\x00\x0a\x00\x00\x00\x06\x00\x04\x00\x00\x01x");
    struct tls_hello hello;
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        assert_int_equal(tls_hello_read(inputs[i], &hello), GW_OK);
        assert_int_equal(hello.server_name.length, 0);
    }
    assert_int_equal(tls_hello_read(good, &hello), GW_OK);
    assert_true(gw_str_equal(hello.server_name, GW_STR("x")));
}

static void test_a_hello_in_pieces_wants_the_rest(void **state) {
    (void)state;
    struct tls_hello hello;
    char *memory;
    struct gw_str bytes = make_hello(&(struct test_tls_client_options){0}, &memory);
    for (size_t length = 0; length < bytes.length; length++)
        assert_int_equal(tls_hello_read(gw_str_slice(bytes, 0, length), &hello), GW_WANT_INPUT);
    assert_int_equal(tls_hello_read(bytes, &hello), GW_OK);
    free(memory);
}

static void test_what_is_not_tls_is_known_by_its_first_byte(void **state) {
    (void)state;
    struct tls_hello hello;
    assert_int_equal(tls_hello_read(GW_STR("G"), &hello), GW_INVALID);
    assert_int_equal(tls_hello_read(GW_STR("\0"), &hello), GW_INVALID);
    assert_int_equal(tls_hello_read(GW_STR("\x80\x2e\x01"), &hello), GW_INVALID);
    assert_int_equal(tls_hello_read(GW_STR("\x16"), &hello), GW_WANT_INPUT);
}

// They are the session's to refuse.
static void test_other_records_and_broken_hellos_offer_nothing(void **state) {
    (void)state;
    static const struct gw_str inputs[] = {
        GW_STR_INIT("\x15\x03\x01\x00\x02\x01\x00"),         // an alert
        GW_STR_INIT("\x16\x03\x01\xff\xff"),                 // a record over the limit
        GW_STR_INIT("\x16\x03\x01\x00\x00"),                 // an empty record
        GW_STR_INIT("\x16\x03\x01\x00\x01\x01"),             // the rest is in the next record
        GW_STR_INIT("\x16\x03\x01\x00\x04\x02\x00\x00\x00"), // a ServerHello
        GW_STR_INIT("\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03"), // without a random
    };
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        struct tls_hello hello;
        assert_int_equal(tls_hello_read(inputs[i], &hello), GW_OK);
        assert_false(hello.may_resume || hello.offers_aes_128);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_first_hello_brings_no_ticket),
        cmocka_unit_test(test_aes_128_is_found_anywhere_in_the_list),
        cmocka_unit_test(test_a_client_with_a_ticket_may_resume),
        cmocka_unit_test(test_kinds_of_keys_are_those_of_suites_and_signatures),
        cmocka_unit_test(test_signatures_and_early_data_are_found),
        cmocka_unit_test(test_the_server_name_is_found),
        cmocka_unit_test(test_names_of_other_kinds_and_broken_ones_are_none),
        cmocka_unit_test(test_a_hello_in_pieces_wants_the_rest),
        cmocka_unit_test(test_what_is_not_tls_is_known_by_its_first_byte),
        cmocka_unit_test(test_other_records_and_broken_hellos_offer_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
