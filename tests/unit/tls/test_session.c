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
#include "tls/session.h"

#define RECORD_BYTES_MAX (16 * 1024)

static const mbedtls_ssl_protocol_version versions[] = {MBEDTLS_SSL_VERSION_TLS1_2,
                                                        MBEDTLS_SSL_VERSION_TLS1_3};

struct fixture {
    struct test_certificate certificates[2];
    struct tls_context *contexts[2]; // EC, RSA
};

static int set_up(void **state) {
    static struct fixture fixture;
    char error[TLS_ERROR_TEXT_BYTES];
    for (int kind = TEST_KEY_EC; kind <= TEST_KEY_RSA; kind++) {
        struct test_certificate *certificate = &fixture.certificates[kind];
        test_certificate_create(certificate, kind);
        struct tls_context_options options = {.certificate_file = certificate->certificate_file,
                                              .key_file = certificate->key_file};
        assert_int_equal(tls_context_create_server(&options, &fixture.contexts[kind], error),
                         GW_OK);
    }
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    for (int kind = TEST_KEY_EC; kind <= TEST_KEY_RSA; kind++) {
        tls_context_release(fixture->contexts[kind]);
        test_certificate_destroy(&fixture->certificates[kind]);
    }
    return 0;
}

static void pair_open(struct test_tls_pair *pair, struct tls_context *context,
                      mbedtls_ssl_protocol_version version) {
    struct test_tls_client_options options = {.version = version};
    test_tls_pair_init(pair, context, &options);
    assert_int_equal(test_tls_pair_handshake(pair), GW_OK);
}

// Everything that the session has, into `out`; the status that ended it.
static enum gw_status read_all(struct tls_session *server, struct gw_buf *out) {
    char record[RECORD_BYTES_MAX];
    size_t length = 0;
    enum gw_status status;
    while ((status = tls_session_read(server, record, sizeof(record), &length)) == GW_OK) {
        assert_true(length > 0);
        assert_int_equal(gw_buf_append(out, record, length), GW_OK);
    }
    return status;
}

static enum gw_status serve_read(struct test_tls_pair *pair, struct gw_buf *out) {
    char *memory;
    tls_session_feed(pair->server, test_tls_pair_take(pair, &memory));
    enum gw_status status = read_all(pair->server, out);
    free(memory);
    test_tls_pair_carry(pair);
    return status;
}

static void assert_server_reads(struct test_tls_pair *pair, struct gw_str expected) {
    struct gw_buf got;
    gw_buf_init(&got, SIZE_MAX);
    assert_int_equal(serve_read(pair, &got), GW_WANT_INPUT);
    assert_true(gw_str_equal(gw_buf_bytes(&got), expected));
    gw_buf_deinit(&got);
}

static void assert_client_reads(struct test_tls_pair *pair, struct gw_str expected) {
    char *got = malloc(expected.length);
    assert_non_null(got);
    size_t length = 0;
    test_tls_pair_carry(pair);
    while (length < expected.length) {
        int code = test_tls_client_read(&pair->client, got + length, expected.length - length);
        assert_true(code > 0);
        length += (size_t)code;
    }
    assert_memory_equal(got, expected.at, length);
    free(got);
    char more;
    assert_int_equal(test_tls_client_read(&pair->client, &more, 1), MBEDTLS_ERR_SSL_WANT_READ);
}

static void test_bytes_pass_both_ways_with_every_version_and_key(void **state) {
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 4; i++) {
        struct test_tls_pair pair;
        pair_open(&pair, fixture->contexts[i / 2], versions[i % 2]);
        assert_string_equal(tls_session_version(pair.server), i % 2 == 0 ? "TLSv1.2" : "TLSv1.3");
        test_tls_client_write(&pair.client, "ping", 4);
        assert_server_reads(&pair, GW_STR("ping"));
        assert_int_equal(tls_session_write(pair.server, GW_STR("pong")), GW_OK);
        assert_client_reads(&pair, GW_STR("pong"));
        test_tls_pair_deinit(&pair);
    }
}

static void assert_suite(struct tls_context *context, mbedtls_ssl_protocol_version version,
                         const int *offered, int expected) {
    struct test_tls_pair pair;
    struct test_tls_client_options options = {.version = version, .suites = offered};
    test_tls_pair_init(&pair, context, &options);
    assert_int_equal(test_tls_pair_handshake(&pair), GW_OK);
    assert_int_equal(mbedtls_ssl_get_ciphersuite_id_from_ssl(&pair.client.ssl), expected);
    test_tls_pair_deinit(&pair);
}

static void test_aes_128_wins_wherever_the_client_lists_it(void **state) {
    struct fixture *fixture = *state;
    static const int tls13[] = {MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
                                MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
                                MBEDTLS_TLS1_3_AES_128_GCM_SHA256, 0};
    static const int tls12[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                                MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, 0};
    assert_suite(fixture->contexts[TEST_KEY_EC], MBEDTLS_SSL_VERSION_TLS1_3, tls13,
                 MBEDTLS_TLS1_3_AES_128_GCM_SHA256);
    assert_suite(fixture->contexts[TEST_KEY_EC], MBEDTLS_SSL_VERSION_TLS1_2, tls12,
                 MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256);
}

static void test_clients_without_aes_128_are_served(void **state) {
    struct fixture *fixture = *state;
    static const int aes_256[] = {MBEDTLS_TLS1_3_AES_256_GCM_SHA384, 0};
    static const int chacha20[] = {MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, 0};
    assert_suite(fixture->contexts[TEST_KEY_EC], MBEDTLS_SSL_VERSION_TLS1_3, aes_256, aes_256[0]);
    assert_suite(fixture->contexts[TEST_KEY_RSA], MBEDTLS_SSL_VERSION_TLS1_2, chacha20,
                 chacha20[0]);
}

static void test_data_that_comes_with_the_last_flight_is_read(void **state) {
    struct fixture *fixture = *state;
    struct test_tls_pair pair;
    struct test_tls_client_options options = {.version = MBEDTLS_SSL_VERSION_TLS1_3};
    test_tls_pair_init(&pair, fixture->contexts[TEST_KEY_EC], &options);
    assert_int_equal(test_tls_client_handshake(&pair.client), MBEDTLS_ERR_SSL_WANT_READ);
    assert_int_equal(test_tls_pair_serve(&pair), GW_WANT_INPUT);
    assert_int_equal(test_tls_client_handshake(&pair.client), 0);
    test_tls_client_write(&pair.client, "first", 5);
    test_tls_client_write(&pair.client, "second", 6);

    struct gw_buf got;
    gw_buf_init(&got, 1024);
    char *memory;
    tls_session_feed(pair.server, test_tls_pair_take(&pair, &memory));
    assert_int_equal(tls_session_handshake(pair.server), GW_OK);
    assert_int_equal(read_all(pair.server, &got), GW_WANT_INPUT);
    assert_true(gw_str_equal(gw_buf_bytes(&got), GW_STR("firstsecond")));
    free(memory);
    gw_buf_deinit(&got);
    test_tls_pair_deinit(&pair);
}

static void test_long_data_passes_in_full_records(void **state) {
    struct fixture *fixture = *state;
    const size_t length = 10 * RECORD_BYTES_MAX + 1;
    char *sent = malloc(length);
    assert_non_null(sent);
    for (size_t i = 0; i < length; i++)
        sent[i] = (char)(i * 31 >> 3);
    for (size_t i = 0; i < 2; i++) {
        struct test_tls_pair pair;
        pair_open(&pair, fixture->contexts[TEST_KEY_EC], versions[i]);
        test_tls_client_write(&pair.client, sent, length);
        assert_server_reads(&pair, gw_str(sent, length));
        assert_int_equal(tls_session_write(pair.server, gw_str(sent, length)), GW_OK);
        assert_client_reads(&pair, gw_str(sent, length));
        test_tls_pair_deinit(&pair);
    }
    free(sent);
}

static void test_input_may_come_one_byte_at_a_time(void **state) {
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 2; i++) {
        struct test_tls_pair pair;
        struct test_tls_client_options options = {.version = versions[i]};
        test_tls_pair_init(&pair, fixture->contexts[TEST_KEY_EC], &options);
        enum gw_status status = GW_WANT_INPUT;
        while (status == GW_WANT_INPUT) {
            (void)test_tls_client_handshake(&pair.client);
            char *memory;
            struct gw_str bytes = test_tls_pair_take(&pair, &memory);
            assert_true(bytes.length > 0);
            for (size_t at = 0; at < bytes.length; at++) {
                assert_int_equal(status, GW_WANT_INPUT);
                tls_session_feed(pair.server, gw_str_slice(bytes, at, at + 1));
                status = tls_session_handshake(pair.server);
            }
            free(memory);
            test_tls_pair_carry(&pair);
        }
        assert_int_equal(status, GW_OK);
        assert_int_equal(test_tls_client_handshake(&pair.client), 0);
        test_tls_client_write(&pair.client, "ping", 4);
        assert_server_reads(&pair, GW_STR("ping"));
        test_tls_pair_deinit(&pair);
    }
}

static void test_close_notify_ends_reading_but_not_writing(void **state) {
    struct fixture *fixture = *state;
    struct test_tls_pair pair;
    struct gw_buf got;
    gw_buf_init(&got, 1024);
    pair_open(&pair, fixture->contexts[TEST_KEY_EC], MBEDTLS_SSL_VERSION_TLS1_3);
    test_tls_client_write(&pair.client, "last", 4);
    assert_int_equal(mbedtls_ssl_close_notify(&pair.client.ssl), 0);
    assert_int_equal(serve_read(&pair, &got), GW_CLOSED);
    assert_true(gw_str_equal(gw_buf_bytes(&got), GW_STR("last")));
    assert_int_equal(serve_read(&pair, &got), GW_CLOSED);
    assert_int_equal(tls_session_write(pair.server, GW_STR("answer")), GW_OK);
    assert_client_reads(&pair, GW_STR("answer"));
    gw_buf_deinit(&got);
    test_tls_pair_deinit(&pair);
}

static void test_our_close_notify_is_sent_once(void **state) {
    struct fixture *fixture = *state;
    struct test_tls_pair pair;
    pair_open(&pair, fixture->contexts[TEST_KEY_EC], MBEDTLS_SSL_VERSION_TLS1_2);
    tls_session_close_notify(pair.server);
    size_t length = gw_buf_length(&pair.output);
    assert_true(length > 0);
    tls_session_close_notify(pair.server);
    assert_int_equal(gw_buf_length(&pair.output), length);
    test_tls_pair_carry(&pair);
    char byte;
    assert_int_equal(test_tls_client_read(&pair.client, &byte, 1),
                     MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
    test_tls_pair_deinit(&pair);
}

static void test_close_notify_before_the_handshake_says_nothing(void **state) {
    struct fixture *fixture = *state;
    struct test_tls_pair pair;
    struct test_tls_client_options options = {0};
    test_tls_pair_init(&pair, fixture->contexts[TEST_KEY_EC], &options);
    tls_session_close_notify(pair.server);
    assert_int_equal(gw_buf_length(&pair.output), 0);
    test_tls_pair_deinit(&pair);
}

static enum gw_status handshake_with(struct tls_session *server, struct gw_str bytes) {
    tls_session_feed(server, bytes);
    return tls_session_handshake(server);
}

static void test_garbage_is_answered_with_an_alert(void **state) {
    struct fixture *fixture = *state;
    static const struct gw_str inputs[] = {
        GW_STR_INIT("\x80\x2e\x01\x03\x01\x00\x15"),         // SSL 2
        GW_STR_INIT("\x17\x03\x03\x00\x04stop"),             // data before the handshake
        GW_STR_INIT("\x16\x03\x01\xff\xff\x01\x00\x00\x00"), // a record over the limit
        GW_STR_INIT("\x16\x03\x01\x00\x04\x02\x00\x00\x00"), // a ServerHello
        GW_STR_INIT("\0\0\0\0\0\0\0\0"),
    };
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        struct test_tls_pair pair;
        struct test_tls_client_options options = {0};
        test_tls_pair_init(&pair, fixture->contexts[TEST_KEY_EC], &options);
        assert_int_equal(handshake_with(pair.server, inputs[i]), GW_INVALID);
        assert_false(tls_session_peer_spoke_http(pair.server));
        test_tls_pair_carry(&pair);
        assert_true(test_tls_client_fatal_alert(&pair.client) >= 0);
        assert_int_equal(handshake_with(pair.server, inputs[i]), GW_INVALID);
        assert_int_equal(gw_buf_length(&pair.output), 0);
        test_tls_pair_deinit(&pair);
    }
}

// RFC 8446 sections 5.1 and 5.2.
static void test_a_record_over_the_limit_gets_its_own_alert(void **state) {
    struct fixture *fixture = *state;
    struct test_tls_pair pair;
    struct test_tls_client_options options = {0};
    test_tls_pair_init(&pair, fixture->contexts[TEST_KEY_EC], &options);
    assert_int_equal(handshake_with(pair.server, GW_STR("\x16\x03\x01\xff\xff\x01\x00\x00\x00")),
                     GW_INVALID);
    test_tls_pair_carry(&pair);
    assert_int_equal(test_tls_client_fatal_alert(&pair.client),
                     MBEDTLS_SSL_ALERT_MSG_RECORD_OVERFLOW);
    test_tls_pair_deinit(&pair);
    for (size_t i = 0; i < 2; i++) {
        char byte;
        size_t length;
        options.version = versions[i];
        test_tls_pair_init(&pair, fixture->contexts[TEST_KEY_EC], &options);
        assert_int_equal(test_tls_pair_handshake(&pair), GW_OK);
        tls_session_feed(pair.server, GW_STR("\x17\x03\x03\x48\x01"));
        assert_int_equal(tls_session_read(pair.server, &byte, 1, &length), GW_INVALID);
        test_tls_pair_carry(&pair);
        assert_int_equal(test_tls_client_read(&pair.client, &byte, 1),
                         MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE);
        assert_int_equal(pair.client.ssl.MBEDTLS_PRIVATE(in_msg)[1],
                         MBEDTLS_SSL_ALERT_MSG_RECORD_OVERFLOW);
        test_tls_pair_deinit(&pair);
    }
}

// RFC 7748 section 6.1, RFC 8446 section 7.4.2: with a point of small order everybody would know
// the secret.
static void test_a_key_share_of_zeros_is_an_illegal_parameter(void **state) {
    struct fixture *fixture = *state;
    static const uint16_t groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
                                      MBEDTLS_SSL_IANA_TLS_GROUP_NONE};
    static const char head[] = {0, 29, 0, 32}; // X25519, the length of its key
    struct test_tls_pair pair;
    char *memory;
    struct test_tls_client_options options = {.version = MBEDTLS_SSL_VERSION_TLS1_3,
                                              .groups = groups};
    test_tls_pair_init(&pair, fixture->contexts[TEST_KEY_EC], &options);
    assert_int_equal(test_tls_client_handshake(&pair.client), MBEDTLS_ERR_SSL_WANT_READ);
    struct gw_str hello = test_tls_pair_take(&pair, &memory);
    char *share = memmem(memory, hello.length, head, sizeof(head));
    assert_non_null(share);
    memset(share + sizeof(head), 0, 32);
    assert_int_equal(handshake_with(pair.server, hello), GW_INVALID);
    test_tls_pair_carry(&pair);
    assert_int_equal(test_tls_client_fatal_alert(&pair.client),
                     MBEDTLS_SSL_ALERT_MSG_ILLEGAL_PARAMETER);
    free(memory);
    test_tls_pair_deinit(&pair);
}

// Each is legal and does nothing, so that they would keep the loop for as long as there are more.
static void test_a_flood_of_warnings_ends_the_handshake(void **state) {
    struct fixture *fixture = *state;
    static const char warning[7] = {21, 3, 1, 0, 2, 1, 90}; // user_canceled
    char flood[1000 * sizeof(warning)];
    for (size_t at = 0; at < sizeof(flood); at += sizeof(warning))
        memcpy(flood + at, warning, sizeof(warning));
    struct test_tls_pair pair;
    struct test_tls_client_options options = {0};
    test_tls_pair_init(&pair, fixture->contexts[TEST_KEY_EC], &options);
    assert_int_equal(handshake_with(pair.server, gw_str(flood, 5 * sizeof(warning))),
                     GW_WANT_INPUT);
    assert_int_equal(handshake_with(pair.server, gw_str(flood, sizeof(flood))), GW_INVALID);
    test_tls_pair_carry(&pair);
    assert_int_equal(test_tls_client_fatal_alert(&pair.client),
                     MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE);
    test_tls_pair_deinit(&pair);
}

static void test_small_records_are_no_flood(void **state) {
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 2; i++) {
        struct test_tls_pair pair;
        struct gw_buf got;
        gw_buf_init(&got, 1024);
        pair_open(&pair, fixture->contexts[TEST_KEY_EC], versions[i]);
        for (int byte = 0; byte < 1000; byte++)
            test_tls_client_write(&pair.client, "x", 1);
        assert_int_equal(serve_read(&pair, &got), GW_WANT_INPUT);
        assert_int_equal(gw_buf_length(&got), 1000);
        gw_buf_deinit(&got);
        test_tls_pair_deinit(&pair);
    }
}

static void test_http_in_the_clear_is_recognised(void **state) {
    struct fixture *fixture = *state;
    struct test_tls_pair pair;
    struct test_tls_client_options options = {0};
    test_tls_pair_init(&pair, fixture->contexts[TEST_KEY_EC], &options);
    assert_int_equal(handshake_with(pair.server, GW_STR("")), GW_WANT_INPUT);
    assert_int_equal(handshake_with(pair.server, GW_STR("G")), GW_INVALID);
    assert_true(tls_session_peer_spoke_http(pair.server));
    assert_int_equal(gw_buf_length(&pair.output), 0);
    test_tls_pair_deinit(&pair);
}

static void test_truncated_hello_wants_more(void **state) {
    struct fixture *fixture = *state;
    struct test_tls_pair pair;
    struct test_tls_client_options options = {0};
    test_tls_pair_init(&pair, fixture->contexts[TEST_KEY_EC], &options);
    (void)test_tls_client_handshake(&pair.client);
    struct gw_str hello = gw_buf_bytes(&pair.client.output);
    for (size_t at = 0; at + 1 < hello.length; at += 7) {
        size_t end = at + 7 < hello.length ? at + 7 : hello.length - 1;
        assert_int_equal(handshake_with(pair.server, gw_str_slice(hello, at, end)), GW_WANT_INPUT);
    }
    assert_int_equal(gw_buf_length(&pair.output), 0);
    test_tls_pair_deinit(&pair);
}

static void assert_refused(struct tls_context *context,
                           const struct test_tls_client_options *options, int alert) {
    struct test_tls_pair pair;
    test_tls_pair_init(&pair, context, options);
    (void)test_tls_client_handshake(&pair.client);
    assert_int_equal(test_tls_pair_serve(&pair), GW_INVALID);
    assert_int_equal(test_tls_client_fatal_alert(&pair.client), alert);
    test_tls_pair_deinit(&pair);
}

static void test_weak_or_foreign_offers_are_refused(void **state) {
    struct fixture *fixture = *state;
    struct tls_context *rsa = fixture->contexts[TEST_KEY_RSA];
    static const int cbc[] = {MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, 0};
    static const int static_rsa[] = {MBEDTLS_TLS_RSA_WITH_AES_128_GCM_SHA256, 0};
    static const int ccm[] = {MBEDTLS_TLS1_3_AES_128_CCM_SHA256, 0};
    static const uint16_t secp521r1[] = {MBEDTLS_SSL_IANA_TLS_GROUP_SECP521R1, 0};
    const struct test_tls_client_options offers[] = {
        {.version = MBEDTLS_SSL_VERSION_TLS1_2, .suites = cbc},
        {.version = MBEDTLS_SSL_VERSION_TLS1_2, .suites = static_rsa},
        {.version = MBEDTLS_SSL_VERSION_TLS1_3, .suites = ccm},
        {.version = MBEDTLS_SSL_VERSION_TLS1_2, .groups = secp521r1},
        {.version = MBEDTLS_SSL_VERSION_TLS1_3, .groups = secp521r1},
    };
    for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++)
        assert_refused(rsa, &offers[i], MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE);
}

static void test_each_named_group_is_accepted(void **state) {
    struct fixture *fixture = *state;
    static const uint16_t accepted[] = {MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
                                        MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
                                        MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1};
    for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
        const uint16_t groups[] = {accepted[i], 0};
        struct test_tls_pair pair;
        struct test_tls_client_options options = {.groups = groups};
        test_tls_pair_init(&pair, fixture->contexts[TEST_KEY_RSA], &options);
        assert_int_equal(test_tls_pair_handshake(&pair), GW_OK);
        test_tls_pair_deinit(&pair);
    }
}

static void test_alpn_is_http_1_or_nothing(void **state) {
    struct fixture *fixture = *state;
    const char *h2[] = {"h2", NULL};
    // As curl offers them; "http/1.0" alone with --http1.0.
    static const struct {
        const char *offered[4], *taken;
    } cases[] = {
        {{"h2", "http/1.1", NULL}, "http/1.1"},
        {{"http/1.0", NULL}, "http/1.0"},
        {{"http/1.0", "http/1.1", NULL}, "http/1.1"},
    };
    for (size_t i = 0; i < 2; i++) {
        struct test_tls_client_options options = {.version = versions[i], .alpn = h2};
        assert_refused(fixture->contexts[TEST_KEY_EC], &options,
                       MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL);
        for (size_t j = 0; j < sizeof(cases) / sizeof(cases[0]); j++) {
            const char *offered[4];
            memcpy(offered, cases[j].offered, sizeof(offered));
            options.alpn = offered;
            struct test_tls_pair pair;
            test_tls_pair_init(&pair, fixture->contexts[TEST_KEY_EC], &options);
            assert_int_equal(test_tls_pair_handshake(&pair), GW_OK);
            assert_string_equal(mbedtls_ssl_get_alpn_protocol(&pair.client.ssl), cases[j].taken);
            test_tls_pair_deinit(&pair);
        }
    }
}

static void test_a_changed_record_ends_the_session_with_an_alert(void **state) {
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 2; i++) {
        struct test_tls_pair pair;
        struct gw_buf got;
        gw_buf_init(&got, 1024);
        pair_open(&pair, fixture->contexts[TEST_KEY_EC], versions[i]);
        test_tls_client_write(&pair.client, "ping", 4);
        pair.client.output.memory[pair.client.output.end - 1] ^= 1;
        assert_int_equal(serve_read(&pair, &got), GW_INVALID);
        assert_int_equal(gw_buf_length(&got), 0);
        assert_int_equal(tls_session_write(pair.server, GW_STR("no")), GW_INVALID);
        char byte;
        assert_int_equal(test_tls_client_read(&pair.client, &byte, 1),
                         MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE);
        gw_buf_deinit(&got);
        test_tls_pair_deinit(&pair);
    }
}

static void test_an_alert_of_the_peer_is_told_apart_from_its_end(void **state) {
    struct fixture *fixture = *state;
    struct test_tls_pair pair;
    struct gw_buf got;
    gw_buf_init(&got, 1024);
    pair_open(&pair, fixture->contexts[TEST_KEY_EC], MBEDTLS_SSL_VERSION_TLS1_3);
    assert_int_equal(mbedtls_ssl_send_alert_message(&pair.client.ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                                    MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR),
                     0);
    assert_int_equal(serve_read(&pair, &got), GW_CANCELLED);
    assert_int_equal(gw_buf_length(&pair.client.input), 0);
    gw_buf_deinit(&got);
    test_tls_pair_deinit(&pair);
}

// The handshake took records as well: TLS 1.2 seals its last one with the same keys.
static void test_records_wear_a_session_out_either_way(void **state) {
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 4; i++) {
        struct test_tls_pair pair;
        bool is_received = i / 2 == 1;
        pair_open(&pair, fixture->contexts[TEST_KEY_EC], versions[i % 2]);
        assert_false(tls_session_is_worn(pair.server));
        tls_session_set_records_before_worn(pair.server, 20);
        int records = 0;
        for (; !tls_session_is_worn(pair.server) && records <= 20; records++) {
            if (is_received) {
                test_tls_client_write(&pair.client, "x", 1);
                assert_server_reads(&pair, GW_STR("x"));
            } else {
                assert_int_equal(tls_session_write(pair.server, GW_STR("x")), GW_OK);
            }
        }
        assert_in_range(records, 18, 20);
        assert_int_equal(tls_session_write(pair.server, GW_STR("still works")), GW_OK);
        test_tls_pair_deinit(&pair);
    }
}

static void test_a_write_past_twice_the_records_breaks_the_session(void **state) {
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 2; i++) {
        struct test_tls_pair pair;
        char byte;
        int code;
        enum gw_status status = GW_OK;
        pair_open(&pair, fixture->contexts[TEST_KEY_EC], versions[i]);
        tls_session_set_records_before_worn(pair.server, 10);
        for (int records = 0; status == GW_OK && records <= 20; records++)
            status = tls_session_write(pair.server, GW_STR("x"));
        assert_int_equal(status, GW_INVALID);
        tls_session_close_notify(pair.server); // would make it look whole
        test_tls_pair_carry(&pair);
        do
            code = test_tls_client_read(&pair.client, &byte, 1);
        while (code == 1);
        assert_int_equal(code, MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE);
        test_tls_pair_deinit(&pair);
    }
}

static void test_renegotiation_is_refused_and_the_session_lives(void **state) {
    struct fixture *fixture = *state;
    struct test_tls_pair pair;
    struct test_tls_client_options options = {.version = MBEDTLS_SSL_VERSION_TLS1_2,
                                              .may_renegotiate = true};
    test_tls_pair_init(&pair, fixture->contexts[TEST_KEY_EC], &options);
    assert_int_equal(test_tls_pair_handshake(&pair), GW_OK);
    assert_int_equal(mbedtls_ssl_renegotiate(&pair.client.ssl), MBEDTLS_ERR_SSL_WANT_READ);
    assert_server_reads(&pair, GW_STR(""));
    assert_int_not_equal(gw_buf_length(&pair.client.input), 0); // the no_renegotiation warning
    assert_int_equal(tls_session_write(pair.server, GW_STR("still here")), GW_OK);
    test_tls_pair_deinit(&pair);
}

static void test_a_full_output_refuses_a_write_whole(void **state) {
    struct fixture *fixture = *state;
    struct test_tls_pair pair;
    pair_open(&pair, fixture->contexts[TEST_KEY_EC], MBEDTLS_SSL_VERSION_TLS1_3);
    char *big = calloc(1, TEST_TLS_PAIR_OUTPUT_BYTES_MAX);
    assert_non_null(big);
    assert_int_equal(tls_session_write(pair.server, gw_str(big, TEST_TLS_PAIR_OUTPUT_BYTES_MAX)),
                     GW_TOO_BIG);
    assert_int_equal(gw_buf_length(&pair.output), 0);
    assert_int_equal(tls_session_write(pair.server, GW_STR("fits")), GW_OK);
    assert_client_reads(&pair, GW_STR("fits"));
    free(big);
    test_tls_pair_deinit(&pair);
}

static void test_a_handshake_that_overflows_the_output_fails(void **state) {
    struct fixture *fixture = *state;
    struct test_tls_client client;
    struct test_tls_client_options options = {0};
    struct gw_buf output;
    struct tls_session *server;
    test_tls_client_init(&client, &options);
    gw_buf_init(&output, 64);
    assert_int_equal(tls_session_create(fixture->contexts[TEST_KEY_EC], &output, &server), GW_OK);
    (void)test_tls_client_handshake(&client);
    assert_int_equal(handshake_with(server, gw_buf_bytes(&client.output)), GW_TOO_BIG);
    assert_int_equal(handshake_with(server, GW_STR("more")), GW_TOO_BIG);
    tls_session_destroy(server);
    gw_buf_deinit(&output);
    test_tls_client_deinit(&client);
}

static void test_a_session_keeps_its_context(void **state) {
    struct fixture *fixture = *state;
    struct test_certificate *certificate = &fixture->certificates[TEST_KEY_EC];
    struct tls_context_options options = {.certificate_file = certificate->certificate_file,
                                          .key_file = certificate->key_file};
    struct tls_context *context;
    char error[TLS_ERROR_TEXT_BYTES];
    assert_int_equal(tls_context_create_server(&options, &context, error), GW_OK);
    struct test_tls_pair pair;
    struct test_tls_client_options client_options = {0};
    test_tls_pair_init(&pair, context, &client_options);
    tls_context_release(context);
    assert_int_equal(test_tls_pair_handshake(&pair), GW_OK);
    test_tls_pair_deinit(&pair);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_pass_both_ways_with_every_version_and_key),
        cmocka_unit_test(test_aes_128_wins_wherever_the_client_lists_it),
        cmocka_unit_test(test_clients_without_aes_128_are_served),
        cmocka_unit_test(test_data_that_comes_with_the_last_flight_is_read),
        cmocka_unit_test(test_long_data_passes_in_full_records),
        cmocka_unit_test(test_input_may_come_one_byte_at_a_time),
        cmocka_unit_test(test_close_notify_ends_reading_but_not_writing),
        cmocka_unit_test(test_our_close_notify_is_sent_once),
        cmocka_unit_test(test_close_notify_before_the_handshake_says_nothing),
        cmocka_unit_test(test_garbage_is_answered_with_an_alert),
        cmocka_unit_test(test_a_record_over_the_limit_gets_its_own_alert),
        cmocka_unit_test(test_a_key_share_of_zeros_is_an_illegal_parameter),
        cmocka_unit_test(test_a_flood_of_warnings_ends_the_handshake),
        cmocka_unit_test(test_small_records_are_no_flood),
        cmocka_unit_test(test_http_in_the_clear_is_recognised),
        cmocka_unit_test(test_truncated_hello_wants_more),
        cmocka_unit_test(test_weak_or_foreign_offers_are_refused),
        cmocka_unit_test(test_each_named_group_is_accepted),
        cmocka_unit_test(test_alpn_is_http_1_or_nothing),
        cmocka_unit_test(test_a_changed_record_ends_the_session_with_an_alert),
        cmocka_unit_test(test_an_alert_of_the_peer_is_told_apart_from_its_end),
        cmocka_unit_test(test_records_wear_a_session_out_either_way),
        cmocka_unit_test(test_a_write_past_twice_the_records_breaks_the_session),
        cmocka_unit_test(test_renegotiation_is_refused_and_the_session_lives),
        cmocka_unit_test(test_a_full_output_refuses_a_write_whole),
        cmocka_unit_test(test_a_handshake_that_overflows_the_output_fails),
        cmocka_unit_test(test_a_session_keeps_its_context),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
