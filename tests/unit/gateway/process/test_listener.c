// SPDX-License-Identifier: MIT
// A listener on 127.0.0.1 whose connections are taken by the function below.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/process/listener.h"
#include "tests/support/scripted_server.h"

#define CLIENTS_MAX (2 * GW_ACCEPTS_PER_TURN_MAX)

struct fixture {
    uv_loop_t loop;
    struct gw_metrics metrics;
    struct gw_services services;
    struct gw_conn_group group;
    struct gw_listener listener;
    uv_tcp_t taken[CLIENTS_MAX];
    int taken_count;
    bool has_no_memory;
    int clients[CLIENTS_MAX];
    int client_count;
    int finish_count;
};

static struct fixture *the;

enum gw_status gw_conn_accept(struct gw_conn_group *group, uv_stream_t *listener,
                              struct tls_context *tls, enum gw_site site) {
    assert_ptr_equal(group, &the->group);
    assert_null(tls);
    assert_int_equal(site, GW_SITE_ADMIN);
    if (the->has_no_memory)
        return GW_NO_MEMORY;
    uv_tcp_t *taken = &the->taken[the->taken_count++];
    assert_int_equal(uv_tcp_init(&the->loop, taken), 0);
    assert_int_equal(uv_accept(listener, (uv_stream_t *)taken), 0);
    return GW_OK;
}

static int port_of(uv_tcp_t *tcp) {
    struct sockaddr_in address;
    int length = sizeof(address);
    assert_int_equal(uv_tcp_getsockname(tcp, (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port);
}

static void format_address(uv_tcp_t *tcp, char text[GW_LISTENER_ADDRESS_BYTES]) {
    (void)snprintf(text, GW_LISTENER_ADDRESS_BYTES, "127.0.0.1:%d", port_of(tcp));
}

static int set_up(void **state) {
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    the = fixture;
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    fixture->services.loop = &fixture->loop;
    fixture->services.metrics = &fixture->metrics;
    fixture->group.services = &fixture->services;
    const struct gw_listener_options options = {.name = "test", .address = "127.0.0.1:0"};
    assert_int_equal(
        gw_listener_open(&fixture->listener, &fixture->group, NULL, GW_SITE_ADMIN, &options),
        GW_OK);
    assert_int_equal(gw_listener_listen(&fixture->listener), GW_OK);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    gw_listener_close(&fixture->listener);
    gw_listener_close(&fixture->listener); // is harmless
    for (int i = 0; i < fixture->taken_count; i++)
        uv_close((uv_handle_t *)&fixture->taken[i], NULL);
    for (int i = 0; i < fixture->client_count; i++)
        close(fixture->clients[i]);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    test_free(fixture);
    return 0;
}

// Blocking, and so in the listener's queue when it returns.
static void connect_clients(struct fixture *fixture, int count) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port_of(&fixture->listener.tcp))};
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    for (int i = 0; i < count; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        assert_true(fd >= 0);
        assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
        fixture->clients[fixture->client_count++] = fd;
    }
}

static void test_a_crowd_is_taken_in_turns(void **state) {
    struct fixture *fixture = *state;
    connect_clients(fixture, CLIENTS_MAX);
    int before = 0;
    while (fixture->taken_count < CLIENTS_MAX) {
        uv_run(&fixture->loop, UV_RUN_ONCE);
        assert_true(fixture->taken_count - before <= GW_ACCEPTS_PER_TURN_MAX);
        before = fixture->taken_count;
    }
    assert_int_equal(fixture->metrics.connections_refused_total, 0);
}

static void test_without_memory_newcomers_are_turned_away(void **state) {
    struct fixture *fixture = *state;
    fixture->has_no_memory = true;
    connect_clients(fixture, 3);
    while (fixture->metrics.connections_refused_total < 3)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    for (int i = 0; i < 3; i++) {
        char byte;
        while (recv(fixture->clients[i], &byte, 1, MSG_DONTWAIT) < 0)
            uv_run(&fixture->loop, UV_RUN_NOWAIT); // until it is closed
    }
    fixture->has_no_memory = false;
    connect_clients(fixture, 1);
    while (fixture->taken_count < 1)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    assert_int_equal(fixture->metrics.connections_refused_total, 3);
}

static void test_a_reserved_port_is_named_and_shared(void **state) {
    struct fixture *fixture = *state;
    char bound[GW_LISTENER_ADDRESS_BYTES], again[GW_LISTENER_ADDRESS_BYTES];
    const struct gw_listener_options any = {
        .name = "test", .address = "127.0.0.1:0", .shares_port = true};
    int fd = gw_listener_reserve(&any, true, bound);
    assert_true(fd >= 0);
    assert_memory_equal(bound, "127.0.0.1:", 10);
    assert_string_not_equal(bound + 10, "0");
    const struct gw_listener_options same = {.name = "test", .address = bound, .shares_port = true};
    struct gw_listener sharing;
    assert_int_equal(gw_listener_open(&sharing, &fixture->group, NULL, GW_SITE_ADMIN, &same),
                     GW_OK);
    assert_int_equal(gw_listener_listen(&sharing), GW_OK);
    format_address(&sharing.tcp, again);
    assert_string_equal(again, bound);
    int second = gw_listener_reserve(&same, true, again);
    int joined = gw_listener_reserve(&same, false, again);
    gw_listener_close(&sharing);
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
    close(fd);
    assert_int_equal(second, -1); // was in use by another
    assert_true(joined >= 0);     // which was allowed
    close(joined);
}

static void on_finished(struct gw_listener *listener) {
    assert_ptr_equal(listener, &the->listener);
    assert_false(listener->is_open);
    the->finish_count++;
}

static void test_what_waits_to_be_accepted_is_taken_before_it_closes(void **state) {
    struct fixture *fixture = *state;
    connect_clients(fixture, CLIENTS_MAX);
    gw_listener_finish(&fixture->listener, 0, on_finished);
    assert_int_equal(fixture->finish_count, 0); // not from inside the call
    while (fixture->finish_count == 0)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    assert_int_equal(fixture->taken_count, CLIENTS_MAX);
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
    assert_int_equal(fixture->finish_count, 1);
}

// What the filter drops is sent again after a second, so the client finds the port closed.
static void test_nobody_new_is_taken_while_it_settles(void **state) {
    struct fixture *fixture = *state;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port_of(&fixture->listener.tcp))};
    if (!scripted_server_can_vanish())
        skip(); // no filter for anybody
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    connect_clients(fixture, 1);
    gw_listener_finish(&fixture->listener, GW_LISTENER_SETTLE_MS, on_finished);
    int late = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(connect(late, (const struct sockaddr *)&address, sizeof(address)), -1);
    while (fixture->finish_count == 0)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    assert_int_equal(fixture->taken_count, 1);
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
    struct pollfd refused = {.fd = late, .events = POLLOUT};
    int error = 0;
    socklen_t length = sizeof(error);
    assert_int_equal(poll(&refused, 1, -1), 1);
    assert_int_equal(getsockopt(late, SOL_SOCKET, SO_ERROR, &error, &length), 0);
    assert_int_equal(error, ECONNREFUSED);
    close(late);
}

static void test_an_address_that_is_taken_or_wrong_is_refused(void **state) {
    struct fixture *fixture = *state;
    char taken[GW_LISTENER_ADDRESS_BYTES];
    format_address(&fixture->listener.tcp, taken);
    const char *const addresses[] = {taken, "127.0.0.1", "127.0.0.1:65536", ":80"};
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        struct gw_listener other;
        const struct gw_listener_options options = {.name = "test", .address = addresses[i]};
        assert_int_equal(gw_listener_open(&other, &fixture->group, NULL, GW_SITE_ADMIN, &options),
                         GW_SYSTEM);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_crowd_is_taken_in_turns),
        TEST(test_without_memory_newcomers_are_turned_away),
        TEST(test_a_reserved_port_is_named_and_shared),
        TEST(test_what_waits_to_be_accepted_is_taken_before_it_closes),
        TEST(test_nobody_new_is_taken_while_it_settles),
        TEST(test_an_address_that_is_taken_or_wrong_is_refused),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
