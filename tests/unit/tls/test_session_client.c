// SPDX-License-Identifier: MIT
// The client's end of a session, against the server's end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/support/certificate.h"
#include "tls/session.h"

#define OUTPUT_BYTES_MAX ((size_t)256 * 1024)

struct end {
    struct tls_session *session;
    struct gw_buf output;
    enum gw_status status; // of the last step of the handshake
};

struct fixture {
    struct test_certificate certificates[2];
    struct tls_context *server_context;
    struct tls_client_context *client_context; // believes the server
    struct tls_client_context *stranger;       // believes somebody else
    struct tls_kept_session *kept;             // NULL: nothing is resumed
    struct end server, client;
};

static int set_up(void **state) {
    static struct fixture fixture;
    char error[TLS_ERROR_TEXT_BYTES];
    for (int kind = TEST_KEY_EC; kind <= TEST_KEY_RSA; kind++)
        test_certificate_create(&fixture.certificates[kind], kind);
    const struct test_certificate *own = &fixture.certificates[TEST_KEY_EC];
    const struct tls_context_options options = {.certificate_file = own->certificate_file,
                                                .key_file = own->key_file};
    assert_int_equal(tls_context_create_server(&options, &fixture.server_context, error), GW_OK);
    assert_int_equal(
        tls_client_context_create(own->certificate_file, &fixture.client_context, error), GW_OK);
    assert_int_equal(tls_client_context_create(fixture.certificates[TEST_KEY_RSA].certificate_file,
                                               &fixture.stranger, error),
                     GW_OK);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    tls_client_context_destroy(fixture->stranger);
    tls_client_context_destroy(fixture->client_context);
    tls_context_release(fixture->server_context);
    for (int kind = TEST_KEY_EC; kind <= TEST_KEY_RSA; kind++)
        test_certificate_destroy(&fixture->certificates[kind]);
    return 0;
}

static void open_ends(struct fixture *fixture, struct tls_client_context *context,
                      const char *server_name) {
    gw_buf_init(&fixture->server.output, OUTPUT_BYTES_MAX);
    gw_buf_init(&fixture->client.output, OUTPUT_BYTES_MAX);
    assert_int_equal(tls_session_create(fixture->server_context, &fixture->server.output,
                                        &fixture->server.session),
                     GW_OK);
    const struct tls_server server = {
        .context = context, .name = server_name, .kept = fixture->kept};
    assert_int_equal(
        tls_session_create_client(&server, &fixture->client.output, &fixture->client.session),
        GW_OK);
    fixture->server.status = fixture->client.status = GW_WANT_INPUT;
}

static void close_ends(struct fixture *fixture) {
    tls_session_destroy(fixture->client.session);
    tls_session_destroy(fixture->server.session);
    gw_buf_deinit(&fixture->client.output);
    gw_buf_deinit(&fixture->server.output);
}

// Shows `to` what `from` put out, without taking it.
static void step(struct end *to, struct end *from) {
    tls_session_feed(to->session, gw_buf_bytes(&from->output));
    to->status = tls_session_handshake(to->session);
}

// Until both are done, or one has given up.
static void shake_hands(struct fixture *fixture) {
    struct end *server = &fixture->server, *client = &fixture->client;
    client->status = tls_session_handshake(client->session);
    for (int turn = 0; turn < 4 && server->status == GW_WANT_INPUT; turn++) {
        step(server, client);
        gw_buf_clear(&client->output);
        if (client->status != GW_WANT_INPUT)
            return;
        step(client, server);
        gw_buf_clear(&server->output);
    }
}

static void assert_carries(struct end *from, struct end *to, const char *text) {
    char got[64];
    size_t length = 0;
    assert_int_equal(tls_session_write(from->session, gw_str_from(text)), GW_OK);
    tls_session_feed(to->session, gw_buf_bytes(&from->output));
    assert_int_equal(tls_session_read(to->session, got, sizeof(got), &length), GW_OK);
    assert_true(gw_str_equal(gw_str(got, length), gw_str_from(text)));
    assert_int_equal(tls_session_read(to->session, got, sizeof(got), &length), GW_WANT_INPUT);
    gw_buf_clear(&from->output);
}

static void test_a_server_that_is_believed_is_spoken_to(void **state) {
    struct fixture *fixture = *state;
    open_ends(fixture, fixture->client_context, "localhost");
    shake_hands(fixture);
    assert_int_equal(fixture->client.status, GW_OK);
    assert_int_equal(fixture->server.status, GW_OK);
    assert_null(tls_session_certificate_problem(fixture->client.session));
    assert_string_equal(tls_session_version(fixture->client.session), "TLSv1.3");
    assert_carries(&fixture->client, &fixture->server, "request");
    assert_carries(&fixture->server, &fixture->client, "response");
    close_ends(fixture);
}

static void assert_refused(struct fixture *fixture, const char *problem) {
    shake_hands(fixture);
    assert_int_equal(fixture->client.status, GW_INVALID);
    const char *found = tls_session_certificate_problem(fixture->client.session);
    assert_non_null(found);
    assert_non_null(strstr(found, problem));
    assert_true(fixture->server.status == GW_CANCELLED || fixture->server.status == GW_INVALID);
    close_ends(fixture);
}

static void test_a_certificate_of_an_unknown_authority_is_refused(void **state) {
    struct fixture *fixture = *state;
    open_ends(fixture, fixture->stranger, "localhost");
    assert_refused(fixture, "authority");
}

static void test_a_certificate_for_another_name_is_refused(void **state) {
    struct fixture *fixture = *state;
    open_ends(fixture, fixture->client_context, "registry.internal");
    assert_refused(fixture, "another name");
}

// A server with `names` in its certificate, which the client believes, is asked for as
// `server_name`.
static void ask_for(const char *const *names, const char *server_name, struct fixture *fixture) {
    char error[TLS_ERROR_TEXT_BYTES];
    memset(fixture, 0, sizeof(*fixture));
    test_certificate_create_with(&fixture->certificates[0], TEST_KEY_EC,
                                 &(struct test_certificate_options){.names = names});
    const struct tls_context_options options = {.certificate_file =
                                                    fixture->certificates[0].certificate_file,
                                                .key_file = fixture->certificates[0].key_file};
    assert_int_equal(tls_context_create_server(&options, &fixture->server_context, error), GW_OK);
    assert_int_equal(
        tls_client_context_create(options.certificate_file, &fixture->client_context, error),
        GW_OK);
    open_ends(fixture, fixture->client_context, server_name);
}

static void stop_asking(struct fixture *fixture) {
    tls_client_context_destroy(fixture->client_context);
    tls_context_release(fixture->server_context);
    test_certificate_destroy(&fixture->certificates[0]);
}

static void test_an_address_must_be_in_the_certificate_and_a_name_may_end_with_a_dot(void **state) {
    (void)state;
    static const char *const names[] = {"registry.internal", "192.0.2.7", "2001:db8::7", NULL};
    static const char *const asked[] = {"192.0.2.7", "2001:db8::7", "2001:0db8:0:0::0007",
                                        "registry.internal", "registry.internal."};
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        struct fixture fixture;
        ask_for(names, asked[i], &fixture);
        shake_hands(&fixture);
        if (fixture.client.status != GW_OK)
            fail_msg("refused: %s", asked[i]);
        close_ends(&fixture);
        stop_asking(&fixture);
    }
}

static void test_an_address_that_is_not_in_the_certificate_is_refused(void **state) {
    (void)state;
    // As a name, by a wildcard, of the other family, or not at all.
    static const char *const names[][3] = {{"x192.0.2.7", "*.0.2.7", NULL},
                                           {"192.0.2.70", "::ffff:192.0.2.7", NULL},
                                           {"localhost", NULL},
                                           {NULL}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct fixture fixture;
        ask_for(names[i][0] != NULL ? names[i] : NULL, "192.0.2.7", &fixture);
        assert_refused(&fixture, "does not have this address");
        stop_asking(&fixture);
    }
}

static void test_only_a_name_is_told_to_the_server(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        const char *server_name;
        bool is_told;
    } cases[] = {{"localhost", true}, {"127.0.0.1", false}, {"::1", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        open_ends(fixture, fixture->client_context, cases[i].server_name);
        assert_int_equal(tls_session_handshake(fixture->client.session), GW_WANT_INPUT);
        struct gw_str hello = gw_buf_bytes(&fixture->client.output);
        size_t length = strlen(cases[i].server_name);
        bool is_told = memmem(hello.at, hello.length, cases[i].server_name, length) != NULL;
        assert_int_equal(is_told, cases[i].is_told);
        close_ends(fixture);
    }
}

static void test_a_server_that_speaks_no_tls_is_no_server(void **state) {
    struct fixture *fixture = *state;
    open_ends(fixture, fixture->client_context, "localhost");
    assert_int_equal(tls_session_handshake(fixture->client.session), GW_WANT_INPUT);
    tls_session_feed(fixture->client.session, GW_STR("HTTP/1.1 400 Bad Request\r\n\r\n"));
    assert_int_equal(tls_session_handshake(fixture->client.session), GW_INVALID);
    assert_null(tls_session_certificate_problem(fixture->client.session));
    close_ends(fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_server_that_is_believed_is_spoken_to),
        cmocka_unit_test(test_a_certificate_of_an_unknown_authority_is_refused),
        cmocka_unit_test(test_a_certificate_for_another_name_is_refused),
        cmocka_unit_test(test_an_address_must_be_in_the_certificate_and_a_name_may_end_with_a_dot),
        cmocka_unit_test(test_an_address_that_is_not_in_the_certificate_is_refused),
        cmocka_unit_test(test_only_a_name_is_told_to_the_server),
        cmocka_unit_test(test_a_server_that_speaks_no_tls_is_no_server),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
