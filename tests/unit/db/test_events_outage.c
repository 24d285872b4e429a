// SPDX-License-Identifier: MIT
// Proves of db/events.c and db/link.c on a server that is restarted, stopped or not made ready:
// while it is away nothing counts as heard, and when it is back every event comes that was
// committed meanwhile, in order and once. The server is one of this program's own.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "db/events.h"
#include "db/migrate.h"
#include "tests/support/postgres.h"

#define QUERY_TIMEOUT_MS 300
#define PATIENCE_MS 60000

struct listener {
    struct db_events_consumer consumer;
    uv_loop_t loop;
    struct db_events *events;
    int count;
    int gaps;
    uint64_t last_seq;
};

static struct test_server server;

static void on_event(struct db_events_consumer *consumer, const struct db_event *event) {
    struct listener *listener = gw_container_of(consumer, struct listener, consumer);
    assert_true(listener->count == 0 || event->seq == listener->last_seq + 1);
    listener->last_seq = event->seq;
    listener->count++;
}

static void on_gap(struct db_events_consumer *consumer) {
    gw_container_of(consumer, struct listener, consumer)->gaps++;
}

static int start_listener(void **state) {
    static struct listener listener;
    memset(&listener, 0, sizeof(listener));
    listener.consumer = (struct db_events_consumer){on_event, on_gap};
    assert_int_equal(uv_loop_init(&listener.loop), 0);
    const struct db_events_options options = {
        .url = server.url,
        .gateway_id = "listener",
        .poll_interval_ms = 20,
        .query_timeout_ms = QUERY_TIMEOUT_MS,
        .connect_timeout_ms = 500,
    };
    assert_int_equal(
        db_events_create(&listener.loop, &options, &listener.consumer, &listener.events), GW_OK);
    *state = &listener;
    return 0;
}

static int close_listener(void **state) {
    struct listener *listener = *state;
    test_server_signal(&server, SIGCONT); // if the test failed
    db_events_close(listener->events);
    test_loop_close(&listener->loop);
    return 0;
}

static int start_server(void **state) {
    (void)state;
    test_server_start(&server);
    return 0;
}

static int stop_server(void **state) {
    (void)state;
    test_server_stop(&server);
    return 0;
}

static void run_for(struct listener *listener, uint64_t time_ms) {
    uv_update_time(&listener->loop);
    for (uint64_t until_ms = uv_now(&listener->loop) + time_ms; uv_now(&listener->loop) < until_ms;)
        (void)uv_run(&listener->loop, UV_RUN_ONCE);
}

static void run_until_current(struct listener *listener) {
    uv_update_time(&listener->loop);
    uint64_t start_ms = uv_now(&listener->loop);
    while (db_events_heard_ms(listener->events) <= start_ms) {
        (void)uv_run(&listener->loop, UV_RUN_ONCE);
        if (uv_now(&listener->loop) - start_ms > PATIENCE_MS)
            fail_msg("nothing was heard");
    }
}

static void change_something(int times) {
    for (int i = 0; i < times; i++)
        test_execute(server.url, "update skillreg.organisation set name = (1000 + length(name)"
                                 " + extract(epoch from clock_timestamp()))::text");
}

// The first of all: on a server without the schema.
static void test_events_are_heard_once_the_schema_is_there(void **state) {
    struct listener *listener = *state;
    run_for(listener, 300);
    assert_int_equal(db_events_heard_ms(listener->events), 0);
    struct db_migrate_report report;
    assert_int_equal(db_migrate(server.url, &report), GW_OK);
    test_execute(server.url, "insert into skillreg.organisation (id, slug, name)"
                             " values ('org1', 'acme', 'Acme')");
    run_until_current(listener);
    change_something(1);
    run_until_current(listener);
    assert_int_equal(listener->count, 1);
}

static void test_events_of_a_server_that_was_restarted_are_all_heard(void **state) {
    struct listener *listener = *state;
    run_until_current(listener);
    change_something(2);
    test_server_control(&server, "restart");
    change_something(2);
    run_until_current(listener);
    change_something(1);
    run_until_current(listener);
    assert_int_equal(listener->count, 5);
    assert_int_equal(listener->gaps, 0);
}

static void test_events_are_not_heard_while_the_server_stands_still(void **state) {
    struct listener *listener = *state;
    run_until_current(listener);
    change_something(1);
    test_server_signal(&server, SIGSTOP);
    uint64_t stopped_ms = uv_now(&listener->loop);
    run_for(listener, 3ULL * QUERY_TIMEOUT_MS);
    assert_true(db_events_heard_ms(listener->events) <= stopped_ms);
    test_server_signal(&server, SIGCONT);
    run_until_current(listener);
    assert_int_equal(listener->count, 1);
    assert_int_equal(listener->gaps, 0);
}

static void test_events_committed_while_this_process_stood_still_are_heard(void **state) {
    struct listener *listener = *state;
    run_until_current(listener);
    change_something(3);
    test_execute(server.url, "select pg_sleep(0.6)"); // twice the time a query has
    run_until_current(listener);
    assert_int_equal(listener->count, 3);
    assert_int_equal(listener->gaps, 0);
}

struct waiting {
    struct db_events_wait wait;
    bool is_done;
    enum gw_status status;
};

static void on_waited(struct db_events_wait *wait, enum gw_status status,
                      const struct db_events_reach *reach) {
    (void)reach;
    struct waiting *waiting = gw_container_of(wait, struct waiting, wait);
    waiting->is_done = true;
    waiting->status = status;
}

// The pauses between attempts have grown to seconds when the server comes back.
static void test_events_connect_at_once_for_whoever_waits(void **state) {
    struct listener *listener = *state;
    run_until_current(listener);
    test_server_control(&server, "halt");
    run_for(listener, 4000);
    test_server_control(&server, "resume");
    struct waiting waiting = {.wait = {.on_done = on_waited}};
    uv_update_time(&listener->loop);
    db_events_wait_applied(listener->events, &waiting.wait, 1, 1000);
    test_run_until(&listener->loop, &waiting.is_done);
    assert_int_equal(waiting.status, GW_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start_listener, close_listener)
        TEST(test_events_are_heard_once_the_schema_is_there),
        TEST(test_events_of_a_server_that_was_restarted_are_all_heard),
        TEST(test_events_are_not_heard_while_the_server_stands_still),
        TEST(test_events_committed_while_this_process_stood_still_are_heard),
        TEST(test_events_connect_at_once_for_whoever_waits),
#undef TEST
    };
    return cmocka_run_group_tests_name("events_outage", tests, start_server, stop_server);
}
