// SPDX-License-Identifier: MIT
// A transport that connects through a proxy, which answers from a script.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/net/transport.h"
#include "gateway/net/transport_tunnel.h"
#include "tests/support/certificate.h"
#include "tests/support/scripted_server.h"

#define WATCHDOG_MS 60000
#define REQUEST "CONNECT issuer.example.com:443 HTTP/1.1\r\nHost: issuer.example.com:443\r\n\r\n"
#define TLS_HELLO_START "\x16\x03" // a handshake record
#define AWAIT_REQUEST                                                                              \
    { .kind = SCRIPT_AWAIT, .text = REQUEST }

struct fixture {
    uv_loop_t loop;
    uv_timer_t watchdog;
    struct gw_transport_shared *shared;
    struct test_certificate certificate;
    struct tls_client_context *context;
    struct scripted_server proxy;
    struct gw_transport transport;
    uv_connect_t connect;
    int opens, errors, closes;
    enum gw_status error;
    const char *problem; // when it failed
};

static struct fixture *fixture_of(struct gw_transport *transport) {
    return gw_container_of(transport, struct fixture, transport);
}

static void on_open(struct gw_transport *transport) {
    fixture_of(transport)->opens++;
}

static void on_read(struct gw_transport *transport, struct gw_str bytes) {
    (void)transport;
    (void)bytes;
    fail_msg("nothing of the proxy is for the owner");
}

static void on_nothing(struct gw_transport *transport) {
    (void)transport;
}

static void on_error(struct gw_transport *transport, enum gw_status status) {
    struct fixture *fixture = fixture_of(transport);
    fixture->errors++;
    fixture->error = status;
    fixture->problem = gw_transport_connect_problem(transport);
    assert_false(gw_transport_drop_offered_session(transport));
}

static void on_closed(struct gw_transport *transport) {
    fixture_of(transport)->closes++;
}

static const struct gw_transport_events events = {.on_open = on_open,
                                                  .on_read = on_read,
                                                  .on_end = on_nothing,
                                                  .on_drain = on_nothing,
                                                  .on_error = on_error,
                                                  .on_closed = on_closed};

static void on_watchdog(uv_timer_t *timer) {
    (void)timer;
    fail_msg("nothing happened for too long");
}

static void start_connect(struct fixture *fixture, int port) {
    struct sockaddr_in address;
    const struct tls_server server = {.context = fixture->context, .name = "issuer.example.com"};
    assert_int_equal(uv_ip4_addr("127.0.0.1", port, &address), 0);
    assert_int_equal(
        gw_transport_init(&fixture->transport, &fixture->loop, fixture->shared, NULL, &events),
        GW_OK);
    assert_int_equal(gw_transport_expect_tunnel(&fixture->transport, GW_STR(REQUEST)), GW_OK);
    assert_string_equal(gw_transport_connect_delay(&fixture->transport),
                        "could not connect to the proxy in time");
    assert_int_equal(gw_transport_connect(&fixture->transport, &fixture->connect,
                                          (const struct sockaddr *)&address, &server),
                     GW_OK);
}

static void open_fixture(struct fixture *fixture, const struct script_step *script) {
    static const struct script_step *scripts[2];
    char error[TLS_ERROR_TEXT_BYTES];
    memset(fixture, 0, sizeof(*fixture));
    scripts[0] = script;
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    assert_int_equal(uv_timer_init(&fixture->loop, &fixture->watchdog), 0);
    assert_int_equal(uv_timer_start(&fixture->watchdog, on_watchdog, WATCHDOG_MS, 0), 0);
    assert_int_equal(gw_transport_shared_create(&fixture->shared), GW_OK);
    test_certificate_create(&fixture->certificate, TEST_KEY_EC);
    assert_int_equal(
        tls_client_context_create(fixture->certificate.certificate_file, &fixture->context, error),
        GW_OK);
    scripted_server_open(&fixture->proxy, &fixture->loop, scripts);
}

static void close_fixture(struct fixture *fixture) {
    gw_transport_close(&fixture->transport);
    scripted_server_close(&fixture->proxy);
    uv_close((uv_handle_t *)&fixture->watchdog, NULL);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(fixture->closes, 1);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    gw_transport_shared_destroy(fixture->shared);
    scripted_server_deinit(&fixture->proxy);
    tls_client_context_destroy(fixture->context);
    test_certificate_destroy(&fixture->certificate);
}

static void run_until_error(struct fixture *fixture) {
    while (fixture->errors == 0)
        uv_run(&fixture->loop, UV_RUN_ONCE);
}

static size_t received_bytes(const struct fixture *fixture) {
    return fixture->proxy.connection_count > 0 ? fixture->proxy.connections[0].received_bytes : 0;
}

static void expect_refusal(const struct script_step *script, enum gw_status status,
                           const char *problem) {
    struct fixture fixture;
    open_fixture(&fixture, script);
    start_connect(&fixture, fixture.proxy.port);
    run_until_error(&fixture);
    assert_int_equal(fixture.error, status);
    assert_string_equal(fixture.problem, problem);
    assert_int_equal(fixture.opens, 0);
    assert_int_equal(received_bytes(&fixture), strlen(REQUEST));
    close_fixture(&fixture);
}

static void test_the_handshake_follows_a_2xx(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_REQUEST,
        {.kind = SCRIPT_TRICKLE, .text = "HTTP/1.1 200 Connection established\r\nVia: p\r\n\r\n"},
        {.kind = SCRIPT_AWAIT, .text = TLS_HELLO_START},
        {.kind = SCRIPT_END}};
    struct fixture fixture;
    open_fixture(&fixture, script);
    start_connect(&fixture, fixture.proxy.port);
    while (received_bytes(&fixture) <= strlen(REQUEST))
        uv_run(&fixture.loop, UV_RUN_ONCE);
    struct gw_str received = scripted_server_received(&fixture.proxy, 0);
    received = gw_str_slice(received, strlen(REQUEST), received.length);
    assert_true(gw_str_starts_with(received, GW_STR(TLS_HELLO_START)));
    assert_string_equal(gw_transport_connect_delay(&fixture.transport),
                        "could not connect in time");
    assert_int_equal(fixture.errors, 0);
    close_fixture(&fixture);
}

static void test_nothing_is_sent_before_the_answer(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_REQUEST,
        {.kind = SCRIPT_SEND, .text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"},
        {.kind = SCRIPT_END}};
    struct fixture fixture;
    open_fixture(&fixture, script);
    start_connect(&fixture, fixture.proxy.port);
    while (fixture.transport.tunnel->answer.length < strlen("HTTP/1.1 100 Continue\r\n\r\nHTTP"))
        uv_run(&fixture.loop, UV_RUN_ONCE);
    for (int i = 0; i < 20; i++)
        uv_run(&fixture.loop, UV_RUN_NOWAIT);
    assert_int_equal(received_bytes(&fixture), strlen(REQUEST));
    assert_string_equal(gw_transport_connect_delay(&fixture.transport),
                        "the proxy did not answer in time");
    close_fixture(&fixture);
}

static void test_another_answer_is_a_refusal(void **state) {
    (void)state;
    static const struct script_step denied[] = {
        AWAIT_REQUEST,
        {.kind = SCRIPT_SEND, .text = "HTTP/1.1 407 Who?\r\nContent-Length: 3\r\n\r\nno\n"},
        {.kind = SCRIPT_END}};
    static const struct script_step moved[] = {
        AWAIT_REQUEST,
        {.kind = SCRIPT_SEND, .text = "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n"},
        {.kind = SCRIPT_CLOSE}};
    static const struct script_step greeting[] = {
        AWAIT_REQUEST, {.kind = SCRIPT_SEND, .text = "SSH-2.0-x\r\n"}, {.kind = SCRIPT_END}};
    expect_refusal(denied, GW_UNAVAILABLE,
                   "the proxy answered 407: it wants a name and a password, or others than these");
    expect_refusal(moved, GW_UNAVAILABLE,
                   "the proxy answered with a redirect, which is not followed");
    expect_refusal(greeting, GW_UNAVAILABLE, "the proxy answered with something that is no HTTP/1");
}

static void test_bytes_behind_the_answer_are_refused(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_REQUEST,
        {.kind = SCRIPT_SEND, .text = "HTTP/1.1 200 OK\r\n\r\n\x16\x03\x03"},
        {.kind = SCRIPT_END}};
    expect_refusal(script, GW_UNAVAILABLE,
                   "the proxy sent more than the answer that opens the tunnel");
}

static void test_an_answer_without_end_is_cut_off(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_REQUEST,
        {.kind = SCRIPT_SEND, .text = "HTTP/1.1 200 OK\r\nA: "},
        {.kind = SCRIPT_SEND_MANY, .count = (size_t)1024 * 1024},
        {.kind = SCRIPT_END}};
    expect_refusal(script, GW_UNAVAILABLE, "the head of the proxy's answer is longer than 8 KiB");
}

static void test_a_proxy_that_hangs_up_is_said(void **state) {
    (void)state;
    static const struct script_step closing[] = {AWAIT_REQUEST, {.kind = SCRIPT_CLOSE}};
    static const struct script_step resetting[] = {
        AWAIT_REQUEST, {.kind = SCRIPT_SEND, .text = "HTTP/1.1 2"}, {.kind = SCRIPT_RESET}};
    expect_refusal(closing, GW_CLOSED, "the proxy closed the connection");
    expect_refusal(resetting, GW_CLOSED, "the proxy closed the connection");
}

static void test_a_proxy_that_is_not_there_is_said(void **state) {
    (void)state;
    static const struct script_step script[] = {{.kind = SCRIPT_END}};
    struct fixture fixture;
    struct scripted_server gone;
    static const struct script_step *const nobody[] = {NULL};
    open_fixture(&fixture, script);
    scripted_server_open(&gone, &fixture.loop, nobody);
    scripted_server_close(&gone);
    uv_run(&fixture.loop, UV_RUN_NOWAIT);
    start_connect(&fixture, gone.port);
    run_until_error(&fixture);
    assert_int_equal(fixture.error, GW_UNAVAILABLE);
    assert_string_equal(fixture.problem, "could not connect to the proxy");
    close_fixture(&fixture);
    scripted_server_deinit(&gone);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_handshake_follows_a_2xx),
        cmocka_unit_test(test_nothing_is_sent_before_the_answer),
        cmocka_unit_test(test_another_answer_is_a_refusal),
        cmocka_unit_test(test_bytes_behind_the_answer_are_refused),
        cmocka_unit_test(test_an_answer_without_end_is_cut_off),
        cmocka_unit_test(test_a_proxy_that_hangs_up_is_said),
        cmocka_unit_test(test_a_proxy_that_is_not_there_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
