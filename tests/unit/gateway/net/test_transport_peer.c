// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/net/transport.h"
#include "gateway/net/transport_peer.h"
#include "tests/support/scripted_server.h"

#define WATCHDOG_MS 60000
#define SILENCE_MS 300

// One transport, connected to a scripted server.
struct fixture {
    uv_loop_t loop;
    uv_timer_t watchdog;
    struct gw_transport_shared *shared;
    struct scripted_server server;
    struct gw_transport transport;
    uv_connect_t connect;
    int opens, reads, errors;
    enum gw_status error;
};

static struct fixture *fixture_of(struct gw_transport *transport) {
    return gw_container_of(transport, struct fixture, transport);
}

static void on_open(struct gw_transport *transport) {
    fixture_of(transport)->opens++;
}

static void on_read(struct gw_transport *transport, struct gw_str bytes) {
    assert_true(bytes.length > 0);
    fixture_of(transport)->reads++;
}

static void on_nothing(struct gw_transport *transport) {
    (void)transport;
}

static void on_error(struct gw_transport *transport, enum gw_status status) {
    fixture_of(transport)->errors++;
    fixture_of(transport)->error = status;
}

static const struct gw_transport_events events = {.on_open = on_open,
                                                  .on_read = on_read,
                                                  .on_end = on_nothing,
                                                  .on_drain = on_nothing,
                                                  .on_error = on_error,
                                                  .on_closed = on_nothing};

static void on_watchdog(uv_timer_t *timer) {
    (void)timer;
    fail_msg("nothing happened for too long");
}

static void open_fixture(struct fixture *fixture, const struct script_step *const *scripts) {
    struct sockaddr_in address;
    memset(fixture, 0, sizeof(*fixture));
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    assert_int_equal(uv_timer_init(&fixture->loop, &fixture->watchdog), 0);
    assert_int_equal(uv_timer_start(&fixture->watchdog, on_watchdog, WATCHDOG_MS, 0), 0);
    assert_int_equal(gw_transport_shared_create(&fixture->shared), GW_OK);
    scripted_server_open(&fixture->server, &fixture->loop, scripts);
    assert_int_equal(uv_ip4_addr("127.0.0.1", fixture->server.port, &address), 0);
    assert_int_equal(
        gw_transport_init(&fixture->transport, &fixture->loop, fixture->shared, NULL, &events),
        GW_OK);
    assert_false(gw_transport_is_quiet(&fixture->transport)); // not connected
    assert_int_equal(gw_transport_connect(&fixture->transport, &fixture->connect,
                                          (const struct sockaddr *)&address, NULL),
                     GW_OK);
    while (fixture->opens == 0 || fixture->server.connection_count == 0)
        uv_run(&fixture->loop, UV_RUN_ONCE);
}

static void close_fixture(struct fixture *fixture) {
    gw_transport_close(&fixture->transport);
    assert_false(gw_transport_is_quiet(&fixture->transport));
    scripted_server_close(&fixture->server);
    uv_close((uv_handle_t *)&fixture->watchdog, NULL);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    gw_transport_shared_destroy(fixture->shared);
    scripted_server_deinit(&fixture->server);
}

static uv_os_fd_t socket_of(const uv_tcp_t *tcp) {
    uv_os_fd_t fd;
    assert_int_equal(uv_fileno((const uv_handle_t *)tcp, &fd), 0);
    return fd;
}

static uv_os_fd_t socket_of_server(const struct fixture *fixture) {
    return socket_of(&fixture->server.connections[0].tcp);
}

static void run_until_error(struct fixture *fixture) {
    while (fixture->errors == 0)
        uv_run(&fixture->loop, UV_RUN_ONCE);
}

static const struct script_step waits[] = {{.kind = SCRIPT_AWAIT, .text = "never"},
                                           {.kind = SCRIPT_END}};
static const struct script_step vanishes[] = {{.kind = SCRIPT_VANISH}, {.kind = SCRIPT_END}};
static const struct script_step *const waiting[] = {waits, NULL};
static const struct script_step *const vanishing[] = {vanishes, NULL};

static void test_bytes_that_the_loop_has_not_read_are_seen(void **state) {
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, waiting);
    assert_true(gw_transport_is_quiet(&fixture.transport));
    assert_int_equal(send(socket_of_server(&fixture), "x", 1, 0), 1);
    assert_false(gw_transport_is_quiet(&fixture.transport));
    assert_true(gw_transport_has_unread(&fixture.transport));
    assert_int_equal(fixture.reads, 0);
    while (fixture.reads == 0)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    assert_true(gw_transport_is_quiet(&fixture.transport));
    assert_false(gw_transport_has_unread(&fixture.transport));
    close_fixture(&fixture);
}

static void test_an_end_and_a_reset_are_seen(void **state) {
    (void)state;
    const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    struct fixture fixture;
    open_fixture(&fixture, waiting);
    assert_int_equal(shutdown(socket_of_server(&fixture), SHUT_WR), 0);
    assert_false(gw_transport_is_quiet(&fixture.transport));
    assert_false(gw_transport_has_unread(&fixture.transport));
    close_fixture(&fixture);
    open_fixture(&fixture, waiting);
    assert_int_equal(connect(socket_of_server(&fixture), &nowhere, sizeof(nowhere)), 0);
    assert_false(gw_transport_is_quiet(&fixture.transport));
    close_fixture(&fixture);
}

static void test_a_host_that_acknowledges_nothing_is_given_up(void **state) {
    (void)state;
    struct fixture fixture;
    if (!scripted_server_can_vanish())
        skip();
    open_fixture(&fixture, vanishing);
    gw_transport_limit_silence(&fixture.transport, SILENCE_MS);
    assert_int_equal(gw_buf_append(gw_transport_output(&fixture.transport), "x", 1), GW_OK);
    gw_transport_flush(&fixture.transport);
    run_until_error(&fixture);
    assert_int_equal(fixture.error, GW_TIMED_OUT);
    close_fixture(&fixture);
}

static void test_a_host_that_answers_no_probe_is_given_up(void **state) {
    (void)state;
    struct fixture fixture;
    if (!scripted_server_can_vanish())
        skip();
    open_fixture(&fixture, vanishing);
    gw_transport_watch_host(&fixture.transport, SILENCE_MS);
    run_until_error(&fixture);
    assert_int_equal(fixture.error, GW_TIMED_OUT);
    close_fixture(&fixture);
}

static int option_of(const struct fixture *fixture, int name) {
    int value = -1;
    socklen_t length = sizeof(value);
    assert_int_equal(
        getsockopt(socket_of(&fixture->transport.tcp), IPPROTO_TCP, name, &value, &length), 0);
    return value;
}

static void test_probes_end_with_the_time_of_silence(void **state) {
    (void)state;
    static const struct {
        uint64_t silence_ms;
        int idle_s, probes;
    } cases[] = {{1, 1, 1}, {1000, 1, 1}, {3000, 1, 2}, {3001, 2, 2}, {30000, 15, 15}};
    struct fixture fixture;
    open_fixture(&fixture, waiting);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        gw_transport_watch_host(&fixture.transport, cases[i].silence_ms);
        assert_int_equal(option_of(&fixture, TCP_KEEPIDLE), cases[i].idle_s);
        assert_int_equal(option_of(&fixture, TCP_KEEPCNT), cases[i].probes);
        assert_int_equal(option_of(&fixture, TCP_KEEPINTVL), 1);
    }
    close_fixture(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_that_the_loop_has_not_read_are_seen),
        cmocka_unit_test(test_an_end_and_a_reset_are_seen),
        cmocka_unit_test(test_a_host_that_acknowledges_nothing_is_given_up),
        cmocka_unit_test(test_a_host_that_answers_no_probe_is_given_up),
        cmocka_unit_test(test_probes_end_with_the_time_of_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
