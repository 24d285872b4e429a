// SPDX-License-Identifier: MIT
// The client's end, which resumes, against servers with tickets.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "tests/support/certificate.h"
#include "tls/session.h"
#include "tls/tickets.h"

#define OUTPUT_BYTES_MAX ((size_t)256 * 1024)

struct fixture {
    struct test_certificate certificate;
    struct tls_context *servers[2]; // that do not know each other's tickets
    struct tls_client_context *client;
    struct tls_kept_session kept;
};

static struct tls_context *create_server(const struct test_certificate *certificate, char filler) {
    unsigned char secret[TLS_TICKET_SECRET_BYTES];
    char error[TLS_ERROR_TEXT_BYTES];
    struct tls_context *context;
    memset(secret, filler, sizeof(secret));
    const struct tls_context_options options = {.certificate_file = certificate->certificate_file,
                                                .key_file = certificate->key_file,
                                                .ticket_secret = secret};
    assert_int_equal(tls_context_create_server(&options, &context, error), GW_OK);
    return context;
}

static int set_up(void **state) {
    static struct fixture fixture;
    static const char *const names[] = {"localhost", NULL};
    char error[TLS_ERROR_TEXT_BYTES];
    test_certificate_create_with(&fixture.certificate, TEST_KEY_EC,
                                 &(struct test_certificate_options){.names = names});
    for (int i = 0; i < 2; i++)
        fixture.servers[i] = create_server(&fixture.certificate, (char)('a' + i));
    assert_int_equal(
        tls_client_context_create(fixture.certificate.certificate_file, &fixture.client, error),
        GW_OK);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    tls_client_context_destroy(fixture->client);
    for (int i = 0; i < 2; i++)
        tls_context_release(fixture->servers[i]);
    test_certificate_destroy(&fixture->certificate);
    return 0;
}

static int forget(void **state) {
    struct fixture *fixture = *state;
    tls_kept_session_drop(&fixture->kept);
    return 0;
}

static enum gw_status carry(struct tls_session *to, struct gw_buf *from) {
    tls_session_feed(to, gw_buf_bytes(from));
    enum gw_status status = tls_session_handshake(to);
    if (status == GW_OK) { // the tickets come behind it
        char byte;
        size_t length;
        assert_int_equal(tls_session_read(to, &byte, 1, &length), GW_WANT_INPUT);
    }
    gw_buf_clear(from);
    return status;
}

// One connection to `context`; true: it was resumed.
static bool connect_to(struct fixture *fixture, struct tls_context *context) {
    struct gw_buf to_server;
    struct gw_buf to_client;
    struct tls_session *client;
    struct tls_session *server;
    const struct tls_server asked = {
        .context = fixture->client, .name = "localhost", .kept = &fixture->kept};
    gw_buf_init(&to_server, OUTPUT_BYTES_MAX);
    gw_buf_init(&to_client, OUTPUT_BYTES_MAX);
    assert_int_equal(tls_session_create(context, &to_client, &server), GW_OK);
    assert_int_equal(tls_session_create_client(&asked, &to_server, &client), GW_OK);
    assert_int_equal(tls_session_handshake(client), GW_WANT_INPUT);
    assert_int_equal(carry(server, &to_server), GW_WANT_INPUT);
    assert_int_equal(carry(client, &to_client), GW_OK);
    assert_int_equal(carry(server, &to_server), GW_OK);
    tls_session_feed(client, gw_buf_bytes(&to_client));
    char byte;
    size_t length;
    assert_int_equal(tls_session_read(client, &byte, 1, &length), GW_WANT_INPUT);
    bool is_resumed = tls_session_is_resumed(client);
    assert_int_equal(tls_session_is_resumed(server), is_resumed);
    tls_session_destroy(client);
    tls_session_destroy(server);
    gw_buf_deinit(&to_client);
    gw_buf_deinit(&to_server);
    return is_resumed;
}

static void test_what_was_kept_is_resumed_again_and_again(void **state) {
    struct fixture *fixture = *state;
    assert_false(connect_to(fixture, fixture->servers[0]));
    assert_non_null(fixture->kept.session);
    for (int i = 0; i < 3; i++) {
        const struct mbedtls_ssl_session *before = fixture->kept.session;
        assert_true(connect_to(fixture, fixture->servers[0]));
        assert_ptr_not_equal(fixture->kept.session, before); // the new one takes its place
    }
}

static void test_a_server_that_does_not_know_it_shows_its_certificate(void **state) {
    struct fixture *fixture = *state;
    assert_false(connect_to(fixture, fixture->servers[0]));
    assert_false(connect_to(fixture, fixture->servers[1]));
    assert_true(connect_to(fixture, fixture->servers[1]));
}

static void test_a_certificate_is_looked_at_from_time_to_time(void **state) {
    struct fixture *fixture = *state;
    assert_false(connect_to(fixture, fixture->servers[0]));
    uint64_t verified_ms = fixture->kept.verified_ms -= TLS_KEPT_SESSION_MS_MAX - 60000;
    assert_true(connect_to(fixture, fixture->servers[0]));
    assert_int_equal(fixture->kept.verified_ms, verified_ms); // resuming does not make it younger
    fixture->kept.verified_ms -= 60000;
    assert_false(connect_to(fixture, fixture->servers[0]));
    assert_true(gw_clock_monotonic_ms() - fixture->kept.verified_ms < TLS_KEPT_SESSION_MS_MAX / 2);
}

static void test_one_that_was_offered_in_vain_is_dropped(void **state) {
    struct fixture *fixture = *state;
    const struct tls_server asked = {
        .context = fixture->client, .name = "localhost", .kept = &fixture->kept};
    assert_false(connect_to(fixture, fixture->servers[0]));
    for (int i = 0; i < 2; i++) {
        struct tls_session *client;
        struct gw_buf output;
        gw_buf_init(&output, OUTPUT_BYTES_MAX);
        assert_int_equal(tls_session_create_client(&asked, &output, &client), GW_OK);
        assert_int_equal(tls_session_handshake(client), GW_WANT_INPUT);
        tls_session_feed(client, GW_STR("\x15\x03\x03\x00\x02\x02\x46")); // protocol_version
        assert_int_equal(tls_session_handshake(client), GW_CANCELLED);
        assert_int_equal(tls_session_drop_offered(client), i == 0);
        assert_null(fixture->kept.session);
        tls_session_destroy(client);
        gw_buf_deinit(&output);
    }
    assert_false(connect_to(fixture, fixture->servers[0]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_what_was_kept_is_resumed_again_and_again, forget),
        cmocka_unit_test_teardown(test_a_server_that_does_not_know_it_shows_its_certificate,
                                  forget),
        cmocka_unit_test_teardown(test_a_certificate_is_looked_at_from_time_to_time, forget),
        cmocka_unit_test_teardown(test_one_that_was_offered_in_vain_is_dropped, forget),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
