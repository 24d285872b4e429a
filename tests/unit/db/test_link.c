// SPDX-License-Identifier: MIT
// Proves of db/link.c without PostgreSQL: a server that refuses or says nothing is tried again,
// each of its addresses for itself, whatever the resolver does meanwhile, each reason is logged
// once, and another URL counts from the next attempt on. With PostgreSQL: tests/unit/db/test_pool.c
// and test_events_outage.c, whose links these are.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/link.h"
#include "tests/support/postgres.h"
#include "tests/support/resolver.h"

#define CONNECT_TIMEOUT_MS 100

static struct {
    uv_loop_t loop;
    struct db_link_target target;
    struct db_link link;
    int downs;
    int wanted_downs;
    bool is_down_enough;
    int lines;
    char line[DB_CONN_REASON_LENGTH];
    bool is_closed;
    bool is_target_closed;
} world;

static void on_down(struct db_link *link, bool was_up) {
    assert_ptr_equal(link, &world.link);
    assert_false(was_up);
    assert_false(db_link_is_up(link));
    assert_false(db_link_has_room(link));
    world.is_down_enough = ++world.downs >= world.wanted_downs;
}

static void on_closed(struct db_link *link) {
    assert_ptr_equal(link, &world.link);
    assert_false(world.is_closed); // once
    world.is_closed = true;
}

static void on_target_closed(struct db_link_target *target) {
    assert_ptr_equal(target, &world.target);
    world.is_target_closed = true;
}

static void log_down(struct db_link *link, const char *reason) {
    (void)link;
    world.lines++;
    (void)snprintf(world.line, sizeof(world.line), "%s", reason);
}

static void fail_up(struct db_link *link) {
    (void)link;
    fail_msg("there is no server");
}

static const struct db_link_events events = {
    .on_ready = fail_up,
    .on_down = on_down,
    .on_closed = on_closed,
    .log_down = log_down,
    .log_up = fail_up,
};

static void open_link(const char *url) {
    memset(&world, 0, sizeof(world));
    const struct db_link_options options = {
        .url = url, .query_timeout_ms = 1000, .connect_timeout_ms = CONNECT_TIMEOUT_MS};
    assert_int_equal(uv_loop_init(&world.loop), 0);
    assert_int_equal(db_link_target_open(&world.target, &world.loop, &options), GW_OK);
    db_link_open(&world.link, &world.loop, &world.target, &events);
}

static void close_link(void) {
    db_link_close(&world.link);
    assert_false(world.is_closed); // not inside the call
    db_link_target_close(&world.target, on_target_closed);
    test_loop_close(&world.loop);
    assert_true(world.is_closed);
    assert_true(world.is_target_closed);
}

static void run_until_down(int times) {
    world.wanted_downs = times;
    world.is_down_enough = world.downs >= times;
    test_run_until(&world.loop, &world.is_down_enough);
}

// A port of 127.0.0.`last` that refuses connections as long as the socket is open; any, if *port
// is 0.
static int refuse_at(int last, int *port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((in_port_t)*port),
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK - 1 + last)}};
    socklen_t length = sizeof(address);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static int refuse(int *port) {
    *port = 0;
    return refuse_at(1, port);
}

// A port with connections that the kernel accepts and no process answers.
static int listen_silently(int *port) {
    int fd = refuse(port);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static void test_link_target_refuses_a_malformed_url(void **state) {
    (void)state;
    struct db_link_target target;
    const struct db_link_options options = {.url = "postgresql://[::1"};
    assert_int_equal(db_link_target_open(&target, &world.loop, &options), GW_INVALID);
}

static void test_link_logs_a_reason_once_and_goes_on_trying(void **state) {
    (void)state;
    int port;
    int fd = listen_silently(&port);
    char url[128];
    (void)snprintf(url, sizeof(url), "host=127.0.0.1 port=%d sslmode=disable gssencmode=disable",
                   port);
    open_link(url);
    run_until_down(3);
    assert_int_equal(world.link.rounds, 3);
    assert_int_equal(world.lines, 1);
    assert_string_equal(world.line, "no connection in time");
    assert_string_equal(world.target.last_reason, "no connection in time");
    assert_false(world.target.was_reached);
    close_link();
    (void)close(fd);
}

static void test_link_tries_each_host_in_one_round(void **state) {
    (void)state;
    int port;
    int fd = listen_silently(&port);
    int refusing_port;
    int refusing_fd = refuse(&refusing_port);
    char url[160];
    (void)snprintf(url, sizeof(url),
                   "host=127.0.0.1,127.0.0.1 port=%d,%d sslmode=disable gssencmode=disable", port,
                   refusing_port);
    open_link(url);
    run_until_down(1);
    assert_non_null(strstr(world.line, "no connection in time; "));
    assert_non_null(strstr(world.line, "refused"));
    run_until_down(2); // the silent one rests
    assert_int_equal(world.link.rounds, 2);
    assert_null(strstr(world.target.last_reason, "no connection in time"));
    close_link();
    (void)close(refusing_fd);
    (void)close(fd);
}

// ---- names ----

static void open_named(int port) {
    char url[160];
    test_resolver_reset();
    (void)snprintf(url, sizeof(url), "host=db.test port=%d sslmode=disable gssencmode=disable",
                   port);
    open_link(url);
}

static void run_until_begun(int lookups) {
    while (test_resolver_begun() < lookups)
        (void)uv_run(&world.loop, UV_RUN_NOWAIT);
}

static void test_link_tries_each_address_of_a_name(void **state) {
    (void)state;
    int port;
    int silent_fd = listen_silently(&port);
    int refusing_fd = refuse_at(2, &port);
    open_named(port);
    test_resolver_answer(1, "127.0.0.1", "127.0.0.2");
    run_until_down(1);
    assert_non_null(strstr(world.line, "no connection in time; "));
    assert_non_null(strstr(world.line, "\"127.0.0.2\""));
    assert_int_equal(test_resolver_begun(), 1);
    close_link();
    (void)close(refusing_fd);
    (void)close(silent_fd);
}

static void test_link_gives_up_on_a_resolver_that_hangs_and_asks_on(void **state) {
    (void)state;
    int port;
    int fd = refuse(&port);
    open_named(port);
    run_until_down(1);
    assert_string_equal(world.line, "no address of \"db.test\" is known");
    assert_int_equal(test_resolver_ended(), 0);
    test_resolver_answer(1, "127.0.0.1", NULL); // of the same lookup
    run_until_down(2);
    assert_non_null(strstr(world.target.last_reason, "refused"));
    close_link();
    (void)close(fd);
}

static void test_link_uses_the_last_good_addresses(void **state) {
    (void)state;
    int port;
    int fd = refuse(&port);
    open_named(port);
    test_resolver_answer(1, "127.0.0.1", NULL);
    run_until_down(1);
    assert_non_null(strstr(world.target.last_reason, "refused"));
    run_until_begun(2); // it hangs
    run_until_down(world.downs + 1);
    assert_int_equal(test_resolver_ended(), 1);
    assert_non_null(strstr(world.target.last_reason, "refused"));
    test_resolver_answer(1, NULL, NULL); // it fails
    run_until_begun(3);
    run_until_down(world.downs + 1);
    assert_non_null(strstr(world.target.last_reason, "refused"));
    test_resolver_answer(1, NULL, NULL);
    close_link();
    (void)close(fd);
}

static void test_link_closes_while_the_resolver_hangs(void **state) {
    (void)state;
    open_named(1);
    run_until_begun(1);
    close_link();
    assert_int_equal(world.downs, 0);
    assert_int_equal(test_resolver_ended(), 0);
    test_resolver_answer(1, NULL, NULL); // the thread ends
    while (test_resolver_ended() == 0)
        continue;
}

// ---- another URL ----

static void url_of(int port, char url[128]) {
    (void)snprintf(url, 128, "host=127.0.0.1 port=%d sslmode=disable gssencmode=disable", port);
}

static void use(int port) {
    char url[128];
    url_of(port, url);
    assert_int_equal(db_link_target_use(&world.target, url), GW_OK);
}

static void test_link_takes_another_url_for_its_next_attempt(void **state) {
    (void)state;
    int port;
    int silent_fd = listen_silently(&port);
    int refusing_port;
    int refusing_fd = refuse(&refusing_port);
    char url[160]; // its round goes on at an address that the other URL does not have
    (void)snprintf(url, sizeof(url),
                   "host=127.0.0.1,127.0.0.1 port=%d,%d sslmode=disable gssencmode=disable", port,
                   port);
    open_link(url);
    while (world.link.conn.state != DB_CONN_CONNECTING)
        (void)uv_run(&world.loop, UV_RUN_ONCE);
    use(refusing_port);
    assert_int_equal(world.link.conn.state, DB_CONN_CONNECTING); // that one is left alone
    run_until_down(1);
    assert_int_equal(world.link.round.count, 0);
    run_until_down(2);
    assert_non_null(strstr(world.target.last_reason, "refused"));
    assert_null(strstr(world.target.last_reason, "no connection in time"));
    close_link();
    (void)close(refusing_fd);
    (void)close(silent_fd);
}

static void test_link_waits_for_no_name_of_the_url_before(void **state) {
    (void)state;
    int port;
    int fd = refuse(&port);
    open_named(1);
    run_until_begun(1); // it hangs
    use(port);
    run_until_down(1);
    assert_non_null(strstr(world.target.last_reason, "refused"));
    assert_int_equal(test_resolver_ended(), 0);
    test_resolver_answer(1, NULL, NULL); // the thread ends
    while (test_resolver_ended() == 0)
        continue;
    close_link();
    (void)close(fd);
}

static void test_link_keeps_its_url_when_the_other_is_malformed(void **state) {
    (void)state;
    int port;
    int fd = refuse(&port);
    char url[128];
    url_of(port, url);
    open_link(url);
    assert_int_equal(db_link_target_use(&world.target, "postgresql://[::1"), GW_INVALID);
    run_until_down(1);
    assert_non_null(strstr(world.target.last_reason, "refused"));
    close_link();
    (void)close(fd);
}

// ---- pauses ----

static void test_link_hurries_when_the_server_is_known_to_be_there(void **state) {
    (void)state;
    int port;
    int fd = listen_silently(&port);
    char url[128];
    (void)snprintf(url, sizeof(url), "host=127.0.0.1 port=%d sslmode=disable gssencmode=disable",
                   port);
    open_link(url);
    run_until_down(1);
    assert_true(world.link.due_ms > uv_now(&world.loop));
    db_link_hurry(&world.link);
    assert_int_equal(world.link.due_ms, uv_now(&world.loop));
    (void)uv_run(&world.loop, UV_RUN_NOWAIT);
    assert_int_equal(world.link.conn.state, DB_CONN_CONNECTING);
    db_link_hurry(&world.link); // too late to matter
    close_link();
    (void)close(fd);
}

static void test_link_closes_in_the_middle_of_connecting(void **state) {
    (void)state;
    int port;
    int fd = listen_silently(&port);
    char url[128];
    (void)snprintf(url, sizeof(url), "host=127.0.0.1 port=%d sslmode=disable gssencmode=disable",
                   port);
    open_link(url);
    while (world.link.conn.state != DB_CONN_CONNECTING)
        (void)uv_run(&world.loop, UV_RUN_ONCE);
    close_link();
    assert_int_equal(world.downs, 0);
    assert_int_equal(world.lines, 0);
    (void)close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link_target_refuses_a_malformed_url),
        cmocka_unit_test(test_link_logs_a_reason_once_and_goes_on_trying),
        cmocka_unit_test(test_link_tries_each_host_in_one_round),
        cmocka_unit_test(test_link_tries_each_address_of_a_name),
        cmocka_unit_test(test_link_gives_up_on_a_resolver_that_hangs_and_asks_on),
        cmocka_unit_test(test_link_uses_the_last_good_addresses),
        cmocka_unit_test(test_link_closes_while_the_resolver_hangs),
        cmocka_unit_test(test_link_takes_another_url_for_its_next_attempt),
        cmocka_unit_test(test_link_waits_for_no_name_of_the_url_before),
        cmocka_unit_test(test_link_keeps_its_url_when_the_other_is_malformed),
        cmocka_unit_test(test_link_hurries_when_the_server_is_known_to_be_there),
        cmocka_unit_test(test_link_closes_in_the_middle_of_connecting),
    };
    return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
