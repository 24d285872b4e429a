// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/support/certificate.h"
#include "tests/support/tls_pair.h"
#include "tls/tickets.h"

#define WINDOW_MS ((int64_t)TLS_TICKET_WINDOW_S * 1000)
#define NOON_MS (1000 * WINDOW_MS + WINDOW_MS / 2) // in the middle of a window
#define FLIGHT_WITH_CERTIFICATE_BYTES 400          // the server's first one; without it is shorter

static const mbedtls_ssl_protocol_version versions[] = {MBEDTLS_SSL_VERSION_TLS1_2,
                                                        MBEDTLS_SSL_VERSION_TLS1_3};
static const unsigned char secret[TLS_TICKET_SECRET_BYTES] = "one secret";
static const unsigned char other_secret[TLS_TICKET_SECRET_BYTES] = "another secret";

static int64_t now_ms; // of the servers: a callback without an argument reads it

static int64_t wall_ms(void) {
    return now_ms;
}

struct fixture {
    struct test_certificate certificate;
    struct tls_context *here; // two gateways that share a secret
    struct tls_context *there;
    struct tls_context *other; // and one with another
};

static struct tls_context *make_context(const struct test_certificate *certificate,
                                        const unsigned char *ticket_secret) {
    struct tls_context *context;
    char error[TLS_ERROR_TEXT_BYTES];
    const struct tls_context_options options = {.certificate_file = certificate->certificate_file,
                                                .key_file = certificate->key_file,
                                                .ticket_secret = ticket_secret,
                                                .wall_ms = wall_ms};
    assert_int_equal(tls_context_create_server(&options, &context, error), GW_OK);
    return context;
}

static int set_up(void **state) {
    static struct fixture fixture;
    test_certificate_create(&fixture.certificate, TEST_KEY_EC);
    fixture.here = make_context(&fixture.certificate, secret);
    fixture.there = make_context(&fixture.certificate, secret);
    fixture.other = make_context(&fixture.certificate, other_secret);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    tls_context_release(fixture->here);
    tls_context_release(fixture->there);
    tls_context_release(fixture->other);
    test_certificate_destroy(&fixture->certificate);
    return 0;
}

static int noon(void **state) {
    (void)state;
    now_ms = NOON_MS;
    return 0;
}

// A full handshake, and the session that its ticket gives.
static void get_session(struct tls_context *context, mbedtls_ssl_protocol_version version,
                        mbedtls_ssl_session *session) {
    struct test_tls_pair pair;
    const struct test_tls_client_options options = {.version = version};
    test_tls_pair_init(&pair, context, &options);
    assert_int_equal(test_tls_pair_handshake(&pair), GW_OK);
    mbedtls_ssl_session_init(session);
    assert_true(test_tls_client_take_session(&pair.client, session));
    test_tls_pair_deinit(&pair);
}

// Whether the server did without its certificate. Either way the handshake comes to its end, and
// what is sent afterwards arrives.
static bool resumes_with(struct tls_context *context,
                         const struct test_tls_client_options *options) {
    struct test_tls_pair pair;
    char *memory;
    char read[8];
    size_t length = 0;
    test_tls_pair_init(&pair, context, options);
    assert_int_equal(test_tls_client_handshake(&pair.client), MBEDTLS_ERR_SSL_WANT_READ);
    assert_int_equal(test_tls_pair_serve(&pair), GW_WANT_INPUT);
    bool is_resumed = gw_buf_length(&pair.client.input) < FLIGHT_WITH_CERTIFICATE_BYTES;
    assert_int_equal(test_tls_pair_handshake(&pair), GW_OK);
    test_tls_client_write(&pair.client, "ping", 4);
    tls_session_feed(pair.server, test_tls_pair_take(&pair, &memory));
    assert_int_equal(tls_session_read(pair.server, read, sizeof(read), &length), GW_OK);
    assert_memory_equal(read, "ping", 4);
    assert_int_equal(tls_session_read(pair.server, read, sizeof(read), &length), GW_WANT_INPUT);
    free(memory);
    test_tls_pair_deinit(&pair);
    return is_resumed;
}

static bool resumes(struct tls_context *context, const mbedtls_ssl_session *session) {
    const struct test_tls_client_options options = {
        .version = session->MBEDTLS_PRIVATE(tls_version), .session = session};
    return resumes_with(context, &options);
}

static void test_tickets_are_good_here_and_at_a_gateway_with_the_same_secret(void **state) {
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 2; i++) {
        mbedtls_ssl_session session;
        get_session(fixture->here, versions[i], &session);
        assert_true(resumes(fixture->here, &session));
        assert_true(resumes(fixture->there, &session));
        mbedtls_ssl_session_free(&session);
    }
}

static void test_another_secret_means_a_full_handshake(void **state) {
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 2; i++) {
        mbedtls_ssl_session session;
        get_session(fixture->here, versions[i], &session);
        assert_false(resumes(fixture->other, &session));
        mbedtls_ssl_session_free(&session);
    }
}

// TLS 1.2 has no age of its own that would stand in the way.
static void test_two_older_windows_are_accepted_and_no_third(void **state) {
    struct fixture *fixture = *state;
    mbedtls_ssl_session session;
    get_session(fixture->here, MBEDTLS_SSL_VERSION_TLS1_2, &session);
    for (int i = 0; i <= 2; i++, now_ms += WINDOW_MS) {
        assert_true(resumes(fixture->here, &session));
        assert_true(resumes(fixture->there, &session));
    }
    assert_false(resumes(fixture->here, &session));
    assert_false(resumes(fixture->there, &session));
    mbedtls_ssl_session_free(&session);
}

static void test_a_ticket_from_the_future_is_refused(void **state) {
    struct fixture *fixture = *state;
    mbedtls_ssl_session session;
    get_session(fixture->here, MBEDTLS_SSL_VERSION_TLS1_2, &session);
    now_ms -= WINDOW_MS;
    assert_false(resumes(fixture->here, &session));
    mbedtls_ssl_session_free(&session);
}

// TLS 1.3 compares its age as well, by our wall clock: across the end of a window it stays good.
static void test_tls13_tickets_pass_the_end_of_a_window(void **state) {
    struct fixture *fixture = *state;
    mbedtls_ssl_session session;
    now_ms = 1001 * WINDOW_MS - 500;
    get_session(fixture->here, MBEDTLS_SSL_VERSION_TLS1_3, &session);
    now_ms += 1000;
    assert_true(resumes(fixture->there, &session));
    mbedtls_ssl_session_free(&session);
}

// Without one, a leaked ticket secret opens what was recorded.
static void test_tls13_resumes_with_a_key_exchange_alone(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        int modes; // that the client offers
        bool resumes;
    } cases[] = {
        {MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_PSK_EPHEMERAL, true},
        {MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_ALL, true},
        {MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_PSK | MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL,
         false},
    };
    mbedtls_ssl_session session;
    get_session(fixture->here, MBEDTLS_SSL_VERSION_TLS1_3, &session);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct test_tls_client_options options = {.version = MBEDTLS_SSL_VERSION_TLS1_3,
                                                        .session = &session,
                                                        .key_exchange_modes = cases[i].modes};
        assert_int_equal(resumes_with(fixture->there, &options), cases[i].resumes);
    }
    mbedtls_ssl_session_free(&session);
}

// The library's client would not show the ticket under another name, so it is told one.
static void test_a_ticket_is_bound_to_its_server_name(void **state) {
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 2; i++) {
        mbedtls_ssl_session session;
        get_session(fixture->here, versions[i], &session);
        struct test_tls_client_options options = {
            .version = versions[i], .session = &session, .server_name = "LocalHost"};
        assert_true(resumes(fixture->here, &session));
        if (versions[i] == MBEDTLS_SSL_VERSION_TLS1_2) { // its client keeps no name with a session
            assert_true(resumes_with(fixture->here, &options));
            options.server_name = "other.example";
            assert_false(resumes_with(fixture->here, &options));
        }
        mbedtls_ssl_session_free(&session);
    }
}

// As GnuTLS 3.7 writes it: the server name, which the library's client writes first, is the last
// extension.
static void put_name_last(struct gw_str hello) {
    unsigned char *at = (unsigned char *)hello.at;
    const unsigned char *end = at + hello.length;
    unsigned char name[64];
    at += 5 + 4 + 2 + 32; // heads of the record and of the message, version, random
    at += 1 + at[0];      // session id
    at += 2 + ((size_t)at[0] << 8) + at[1]; // suites
    at += 1 + at[0] + 2;                    // compression methods, length of what follows
    size_t length = 4 + (size_t)at[3];
    assert_true(at[0] == 0 && at[1] == 0 && at[2] == 0 && length <= sizeof(name));
    memcpy(name, at, length);
    memmove(at, at + length, (size_t)(end - at) - length);
    memcpy(at + ((size_t)(end - at) - length), name, length);
}

// The first flight of the server tells; the client would find another hello in its Finished.
static bool accepts_with_name_last(struct tls_context *context, const mbedtls_ssl_session *session,
                                   const char *server_name) {
    struct test_tls_pair pair;
    char *memory;
    const struct test_tls_client_options options = {
        .version = MBEDTLS_SSL_VERSION_TLS1_2, .session = session, .server_name = server_name};
    test_tls_pair_init(&pair, context, &options);
    assert_int_equal(test_tls_client_handshake(&pair.client), MBEDTLS_ERR_SSL_WANT_READ);
    struct gw_str hello = test_tls_pair_take(&pair, &memory);
    put_name_last(hello);
    tls_session_feed(pair.server, hello);
    assert_int_equal(tls_session_handshake(pair.server), GW_WANT_INPUT);
    bool is_resumed = gw_buf_length(&pair.output) < FLIGHT_WITH_CERTIFICATE_BYTES;
    free(memory);
    test_tls_pair_deinit(&pair);
    return is_resumed;
}

static void test_a_ticket_in_front_of_the_server_name_is_as_good(void **state) {
    struct fixture *fixture = *state;
    mbedtls_ssl_session session;
    get_session(fixture->here, MBEDTLS_SSL_VERSION_TLS1_2, &session);
    assert_true(accepts_with_name_last(fixture->here, &session, "localhost"));
    assert_false(accepts_with_name_last(fixture->here, &session, "other.example"));
    mbedtls_ssl_session_free(&session);
}

static void test_every_flipped_byte_is_found(void **state) {
    struct fixture *fixture = *state;
    mbedtls_ssl_session session;
    get_session(fixture->here, MBEDTLS_SSL_VERSION_TLS1_2, &session);
    unsigned char *ticket = session.MBEDTLS_PRIVATE(ticket);
    size_t length = session.MBEDTLS_PRIVATE(ticket_len);
    assert_true(length > 28 + 10 + 48 + 16); // name and nonce, head, master secret, tag
    for (size_t i = 0; i < length; i++) {
        ticket[i] ^= 0x40;
        assert_false(resumes(fixture->here, &session));
        ticket[i] ^= 0x40;
    }
    assert_true(resumes(fixture->here, &session));
    mbedtls_ssl_session_free(&session);
}

static void test_zero_names_and_cut_tickets_are_refused(void **state) {
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 2; i++) {
        mbedtls_ssl_session session;
        get_session(fixture->here, versions[i], &session);
        unsigned char *ticket = session.MBEDTLS_PRIVATE(ticket);
        size_t *length = &session.MBEDTLS_PRIVATE(ticket_len);
        static const size_t lengths[] = {1, 15, 16, 28, 53, 54, 55};
        for (size_t j = 0; j < sizeof(lengths) / sizeof(lengths[0]); j++) {
            size_t whole = *length;
            *length = lengths[j];
            assert_false(resumes(fixture->here, &session));
            *length = whole;
        }
        memset(ticket, 0, 16);
        assert_false(resumes(fixture->here, &session));
        memset(ticket, 0, *length);
        assert_false(resumes(fixture->here, &session));
        mbedtls_ssl_session_free(&session);
    }
}

// A session of TLS 1.3 would give TLS 1.2 a master secret of zeros.
static void test_a_ticket_of_tls13_is_no_good_in_tls12(void **state) {
    struct fixture *fixture = *state;
    mbedtls_ssl_session tls13;
    mbedtls_ssl_session tls12;
    get_session(fixture->here, MBEDTLS_SSL_VERSION_TLS1_3, &tls13);
    get_session(fixture->here, MBEDTLS_SSL_VERSION_TLS1_2, &tls12);
    unsigned char *kept = tls12.MBEDTLS_PRIVATE(ticket);
    size_t kept_length = tls12.MBEDTLS_PRIVATE(ticket_len);
    tls12.MBEDTLS_PRIVATE(ticket) = tls13.MBEDTLS_PRIVATE(ticket);
    tls12.MBEDTLS_PRIVATE(ticket_len) = tls13.MBEDTLS_PRIVATE(ticket_len);
    assert_false(resumes(fixture->here, &tls12));
    tls12.MBEDTLS_PRIVATE(ticket) = kept;
    tls12.MBEDTLS_PRIVATE(ticket_len) = kept_length;
    mbedtls_ssl_session_free(&tls12);
    mbedtls_ssl_session_free(&tls13);
}

static void test_without_a_secret_there_are_no_tickets(void **state) {
    struct fixture *fixture = *state;
    struct tls_context *none = make_context(&fixture->certificate, NULL);
    struct test_tls_pair pair;
    mbedtls_ssl_session session;
    const struct test_tls_client_options options = {.version = MBEDTLS_SSL_VERSION_TLS1_3};
    mbedtls_ssl_session_init(&session);
    test_tls_pair_init(&pair, none, &options);
    assert_int_equal(test_tls_pair_handshake(&pair), GW_OK);
    assert_false(test_tls_client_take_session(&pair.client, &session));
    test_tls_pair_deinit(&pair);
    mbedtls_ssl_session_free(&session);
    tls_context_release(none);
}

static enum gw_status take_secret(const char *bytes, unsigned char *taken, char *error) {
    const struct tls_file file = {.name = "/etc/secret", .bytes = bytes, .length = strlen(bytes)};
    return tls_ticket_secret_take(&file, taken, error);
}

static void test_secret_files(void **state) {
    (void)state;
    unsigned char first[TLS_TICKET_SECRET_BYTES];
    unsigned char second[TLS_TICKET_SECRET_BYTES];
    char error[TLS_ERROR_TEXT_BYTES];
    assert_int_equal(take_secret("0123456789abcdef0123456789abcdef", first, error), GW_OK);
    assert_int_equal(take_secret("0123456789abcdef0123456789abcdeg", second, error), GW_OK);
    assert_memory_not_equal(first, second, sizeof(first));

    assert_int_equal(take_secret("0123456789abcdef0123456789abcde", first, error), GW_INVALID);
    assert_ptr_equal(strstr(error, "/etc/secret"), error);
    assert_non_null(strstr(error, "too short"));
    char big[TLS_TICKET_SECRET_FILE_BYTES_MAX + 2];
    memset(big, 'a', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    assert_int_equal(take_secret(big, first, error), GW_INVALID);
    assert_non_null(strstr(error, "too long"));
    const struct tls_file missing = {.name = "/nonexistent/secret"};
    assert_int_equal(tls_ticket_secret_take(&missing, first, error), GW_INVALID);
    assert_ptr_equal(strstr(error, "/nonexistent/secret: cannot read"), error);
    assert_int_equal(tls_ticket_secret_make(first), GW_OK);
    assert_int_equal(tls_ticket_secret_make(second), GW_OK);
    assert_memory_not_equal(first, second, sizeof(first));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_tickets_are_good_here_and_at_a_gateway_with_the_same_secret,
                               noon),
        cmocka_unit_test_setup(test_another_secret_means_a_full_handshake, noon),
        cmocka_unit_test_setup(test_two_older_windows_are_accepted_and_no_third, noon),
        cmocka_unit_test_setup(test_a_ticket_from_the_future_is_refused, noon),
        cmocka_unit_test_setup(test_tls13_tickets_pass_the_end_of_a_window, noon),
        cmocka_unit_test_setup(test_tls13_resumes_with_a_key_exchange_alone, noon),
        cmocka_unit_test_setup(test_a_ticket_is_bound_to_its_server_name, noon),
        cmocka_unit_test_setup(test_a_ticket_in_front_of_the_server_name_is_as_good, noon),
        cmocka_unit_test_setup(test_every_flipped_byte_is_found, noon),
        cmocka_unit_test_setup(test_zero_names_and_cut_tickets_are_refused, noon),
        cmocka_unit_test_setup(test_a_ticket_of_tls13_is_no_good_in_tls12, noon),
        cmocka_unit_test_setup(test_without_a_secret_there_are_no_tickets, noon),
        cmocka_unit_test(test_secret_files),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
