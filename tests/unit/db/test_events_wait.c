// SPDX-License-Identifier: MIT
// Proves of db/events_wait.c, with gateways on loops of their own, so that one can stand still: a wait ends well exactly when
// every live gateway has applied the event, and else says how many have not, or that nobody can know.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "db/events.h"
#include "db/migrate.h"
#include "tests/support/postgres.h"

#define INTERVAL_MS 20
#define SHORT_MS 300
#define LONGER_MS 3000 // than a question takes to be answered
#define LONG_MS 30000

struct gateway {
    struct db_events_consumer consumer;
    uv_loop_t loop;
    struct db_events *events; // NULL: closed
};

static struct test_database database;
static struct gateway first;
static struct gateway second;

static void on_event(struct db_events_consumer *consumer, const struct db_event *event) {
    (void)consumer;
    (void)event;
}

static void on_gap(struct db_events_consumer *consumer) {
    (void)consumer;
}

static void start_gateway(struct gateway *gateway, const char *id, const char *url) {
    const struct db_events_options options = {
        .url = url,
        .gateway_id = id,
        .poll_interval_ms = INTERVAL_MS,
        .query_timeout_ms = 5000,
        .connect_timeout_ms = 5000,
    };
    gateway->consumer = (struct db_events_consumer){on_event, on_gap};
    assert_int_equal(
        db_events_create(&gateway->loop, &options, &gateway->consumer, &gateway->events), GW_OK);
}

static void run_until_applied(struct gateway *gateway, uint64_t seq) {
    uv_update_time(&gateway->loop);
    uint64_t start_ms = uv_now(&gateway->loop);
    while (db_events_heard_ms(gateway->events) <= start_ms ||
           db_events_applied_seq(gateway->events) < seq) {
        (void)uv_run(&gateway->loop, UV_RUN_ONCE);
        if (uv_now(&gateway->loop) - start_ms > 60000)
            fail_msg("event %d was not applied", (int)seq);
    }
}

static void close_gateway(struct gateway *gateway) {
    if (gateway->events != NULL)
        db_events_close(gateway->events);
    gateway->events = NULL;
}

static int open_gateways(void **state) {
    (void)state;
    test_database_open(&database);
    struct db_migrate_report report;
    assert_int_equal(db_migrate(database.url, &report), GW_OK);
    test_execute(
        database.url,
        "insert into skillreg.organisation (id, slug, name) values ('org1', 'acme', 'Acme')");
    assert_int_equal(uv_loop_init(&first.loop), 0);
    assert_int_equal(uv_loop_init(&second.loop), 0);
    return 0;
}

static int close_gateways(void **state) {
    (void)state;
    close_gateway(&first);
    close_gateway(&second);
    test_loop_close(&first.loop);
    test_loop_close(&second.loop);
    return 0;
}

static void start_both(void) {
    start_gateway(&first, "first", database.url);
    run_until_applied(&first, 0);
    start_gateway(&second, "second", database.url);
    run_until_applied(&second, 0);
    // From now on it stands still until the test says otherwise, and is not to fall silent, however long that takes.
    test_execute(database.url, "update skillreg.gateway set seen_at = now() + interval '1 hour'"
                               " where id = 'second'");
}

// The number of its event.
static uint64_t change_something(void) {
    return (uint64_t)test_number(database.url,
                                 "update skillreg.organisation set name = name || 'x';"
                                 "set constraints all immediate;"
                                 "select max(seq) from skillreg.token_event");
}

// ---- waits ----

struct waiting {
    struct db_events_wait wait;
    bool is_done;
    enum gw_status status;
    int count;
};

static void on_waited(struct db_events_wait *wait, enum gw_status status, int count) {
    struct waiting *waiting = gw_container_of(wait, struct waiting, wait);
    assert_false(waiting->is_done);
    waiting->is_done = true;
    waiting->status = status;
    waiting->count = count;
}

static void start_wait(struct waiting *waiting, uint64_t seq, uint64_t timeout_ms) {
    *waiting = (struct waiting){.wait = {.on_done = on_waited}};
    db_events_wait_applied(first.events, &waiting->wait, seq, timeout_ms);
    assert_false(waiting->is_done);
}

// With the loop of the first gateway alone.
static void expect_wait(uint64_t seq, uint64_t timeout_ms, enum gw_status status, int count) {
    struct waiting waiting;
    start_wait(&waiting, seq, timeout_ms);
    test_run_until(&first.loop, &waiting.is_done);
    assert_int_equal(waiting.status, status);
    assert_int_equal(waiting.count, count);
}

static void test_wait_ends_when_the_only_gateway_has_applied_it(void **state) {
    (void)state;
    start_gateway(&first, "first", database.url);
    run_until_applied(&first, 0);
    expect_wait(change_something(), LONG_MS, GW_OK, 1);
}

static void test_wait_is_for_the_gateway_that_stands_still_until_it_goes_on(void **state) {
    (void)state;
    start_both();
    uint64_t seq = change_something();
    run_until_applied(&first, seq);
    expect_wait(seq, SHORT_MS, GW_TIMED_OUT, 1);
    run_until_applied(&second, seq);
    expect_wait(seq, LONG_MS, GW_OK, 2);
}

static void test_wait_that_has_begun_ends_when_the_last_gateway_goes_on(void **state) {
    (void)state;
    start_both();
    uint64_t seq = change_something();
    struct waiting waiting;
    start_wait(&waiting, seq, LONG_MS);
    run_until_applied(&first, seq);
    assert_false(waiting.is_done);
    run_until_applied(&second, seq);
    test_run_until(&first.loop, &waiting.is_done);
    assert_int_equal(waiting.status, GW_OK);
    assert_int_equal(waiting.count, 2);
}

static void test_wait_is_not_for_a_gateway_that_left(void **state) {
    (void)state;
    start_both();
    db_events_leave(second.events);
    run_until_applied(&second, 0);
    uint64_t seq = change_something();
    expect_wait(seq, LONG_MS, GW_OK, 1);
    run_until_applied(&second, seq); // it still hears, and does not come back
    assert_int_equal(test_number(database.url, "select count(*) from skillreg.gateway"), 1);
}

static void test_wait_is_not_for_a_gateway_that_is_silent_for_long(void **state) {
    (void)state;
    start_gateway(&first, "first", database.url);
    run_until_applied(&first, 0);
    test_execute(database.url, "insert into skillreg.gateway values"
                               " ('dead', 0, now() - interval '5.1 s'),"
                               " ('slow', 0, now() + interval '1 hour')"); // as long as this takes
    uint64_t seq = change_something();
    run_until_applied(&first, seq);
    expect_wait(seq, SHORT_MS, GW_TIMED_OUT, 1);
    test_execute(database.url, "delete from skillreg.gateway where id = 'slow'");
    expect_wait(seq, LONG_MS, GW_OK, 1);
}

static void test_wait_asks_at_least_once_whatever_the_time(void **state) {
    (void)state;
    start_both();
    uint64_t seq = change_something();
    run_until_applied(&first, seq);
    run_until_applied(&second, seq);
    expect_wait(seq, 0, GW_OK, 2);
    expect_wait(seq + 1, 0, GW_TIMED_OUT, 2);
}

static void test_waits_at_once_each_get_the_answer_for_their_own_number(void **state) {
    (void)state;
    start_both();
    uint64_t seq = change_something();
    run_until_applied(&first, seq);
    run_until_applied(&second, seq);
    struct waiting early;
    struct waiting late;
    start_wait(&late, seq + 1, LONGER_MS);
    start_wait(&early, seq, LONGER_MS);
    test_run_until(&first.loop, &early.is_done);
    assert_int_equal(early.status, GW_OK);
    assert_false(late.is_done);
    test_run_until(&first.loop, &late.is_done);
    assert_int_equal(late.status, GW_TIMED_OUT);
}

static void test_wait_that_is_cancelled_is_never_told(void **state) {
    (void)state;
    start_both();
    uint64_t seq = change_something();
    run_until_applied(&first, seq);
    struct waiting asked;
    struct waiting fresh;
    start_wait(&asked, seq, 0); // its question is on its way
    start_wait(&fresh, seq, 0);
    db_events_cancel_wait(&asked.wait);
    db_events_cancel_wait(&fresh.wait);
    db_events_cancel_wait(&fresh.wait); // harmless
    expect_wait(seq, SHORT_MS, GW_TIMED_OUT, 1);
    assert_false(asked.is_done || fresh.is_done);
}

static void test_wait_without_a_database_cannot_know(void **state) {
    (void)state;
    start_gateway(&first, "first", "postgresql://x@/x?host=/nonexistent-directory");
    expect_wait(1, 50, GW_UNAVAILABLE, 0);
}

static void test_wait_outlasts_a_lost_connection(void **state) {
    (void)state;
    start_gateway(&first, "first", database.url);
    run_until_applied(&first, 0);
    uint64_t seq = change_something();
    struct waiting waiting;
    start_wait(&waiting, seq, LONG_MS);
    assert_int_equal(test_number(database.url,
                                 "select count(pg_terminate_backend(pid)) from pg_stat_activity"
                                 " where datname = current_database() and"
                                 " application_name = 'skillreg-gateway'"),
                     1);
    test_run_until(&first.loop, &waiting.is_done);
    assert_int_equal(waiting.status, GW_OK);
}

static void test_waits_end_when_the_events_close(void **state) {
    (void)state;
    start_both();
    uint64_t seq = change_something();
    struct waiting asked;
    struct waiting fresh;
    start_wait(&asked, seq, LONG_MS);
    start_wait(&fresh, seq, LONG_MS);
    close_gateway(&first);
    assert_true(asked.is_done && fresh.is_done);
    assert_int_equal(asked.status, GW_UNAVAILABLE);
    assert_int_equal(fresh.status, GW_UNAVAILABLE);
}

struct closing {
    struct db_events_wait wait;
    bool is_done;
};

static void close_when_told(struct db_events_wait *wait, enum gw_status status, int count) {
    (void)status;
    (void)count;
    gw_container_of(wait, struct closing, wait)->is_done = true;
    close_gateway(&first);
}

static void test_wait_may_close_the_events_when_it_ends(void **state) {
    (void)state;
    start_both();
    uint64_t seq = change_something();
    struct closing closing = {.wait = {.on_done = close_when_told}};
    struct waiting other;
    db_events_wait_applied(first.events, &closing.wait, seq, 30);
    start_wait(&other, seq, LONG_MS);
    test_run_until(&first.loop, &closing.is_done);
    assert_true(other.is_done);
    assert_int_equal(other.status, GW_UNAVAILABLE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_gateways, close_gateways)
        TEST(test_wait_ends_when_the_only_gateway_has_applied_it),
        TEST(test_wait_is_for_the_gateway_that_stands_still_until_it_goes_on),
        TEST(test_wait_that_has_begun_ends_when_the_last_gateway_goes_on),
        TEST(test_wait_is_not_for_a_gateway_that_left),
        TEST(test_wait_is_not_for_a_gateway_that_is_silent_for_long),
        TEST(test_wait_asks_at_least_once_whatever_the_time),
        TEST(test_waits_at_once_each_get_the_answer_for_their_own_number),
        TEST(test_wait_that_is_cancelled_is_never_told),
        TEST(test_wait_without_a_database_cannot_know),
        TEST(test_wait_outlasts_a_lost_connection),
        TEST(test_waits_end_when_the_events_close),
        TEST(test_wait_may_close_the_events_when_it_ends),
#undef TEST
    };
    (void)test_postgres_server();
    return cmocka_run_group_tests_name("events_wait", tests, NULL, NULL);
}
