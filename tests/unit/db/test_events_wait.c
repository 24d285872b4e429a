// SPDX-License-Identifier: MIT
// Proves of db/events_wait.c and of db/sql/0007_gateways.sql, with
// gateways on loops of their own, so that one can stand still: a wait ends well exactly when every
// gateway has applied the event or can no longer act on what was before it, and else says how many
// have not, how many of them are silent and until when, or that nobody can know.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "db/events.h"
#include "db/migrate.h"
#include "tests/support/postgres.h"

#define INTERVAL_MS 20
#define SHORT_MS 300
#define LONGER_MS 3000 // than a question takes to be answered
#define LONG_MS 30000
#define STALE_MS 60000
// What a crash of the server leaves of the unlogged tables. TRUNCATE fires no trigger of a row, as
// a crash does not.
#define CRASH "truncate skillreg.gateway, skillreg.gateway_since;"
// The statement of the program before the schema had members.
#define OLDER_HEARTBEAT(seen_at)                                                                   \
    "insert into skillreg.gateway (id, applied_seq, seen_at) values ('older', 0, " seen_at ")"     \
    " on conflict (id) do update"                                                                  \
    " set applied_seq = excluded.applied_seq, seen_at = excluded.seen_at;"

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

static void start_in_slot(struct gateway *gateway, const char *id, const char *slot,
                          const char *url) {
    const struct db_events_options options = {
        .url = url,
        .gateway_id = id,
        .slot = slot,
        .stale_ms = STALE_MS,
        .poll_interval_ms = INTERVAL_MS,
        .query_timeout_ms = 5000,
        .connect_timeout_ms = 5000,
    };
    gateway->consumer = (struct db_events_consumer){on_event, on_gap};
    assert_int_equal(
        db_events_create(&gateway->loop, &options, &gateway->consumer, &gateway->events), GW_OK);
}

static void start_gateway(struct gateway *gateway, const char *id, const char *url) {
    start_in_slot(gateway, id, NULL, url);
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

// And the database knows it, which one answer to a wait may be older than.
static void run_until_told(struct gateway *gateway, const char *id, uint64_t seq) {
    char sql[128];
    (void)snprintf(sql, sizeof(sql),
                   "select count(*) from skillreg.gateway where id = '%s' and applied_seq >= %d",
                   id, (int)seq);
    run_until_applied(gateway, seq);
    uint64_t start_ms = uv_now(&gateway->loop);
    while (test_number(database.url, sql) == 0) {
        (void)uv_run(&gateway->loop, UV_RUN_NOWAIT);
        if (uv_now(&gateway->loop) - start_ms > 60000)
            fail_msg("the database was not told of event %d", (int)seq);
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
    // From now on it stands still until the test says otherwise, and is not to fall silent, however
    // long that takes.
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
    struct db_events_reach reach;
};

static void on_waited(struct db_events_wait *wait, enum gw_status status,
                      const struct db_events_reach *reach) {
    struct waiting *waiting = gw_container_of(wait, struct waiting, wait);
    assert_false(waiting->is_done);
    waiting->is_done = true;
    waiting->status = status;
    waiting->reach = *reach;
}

static void start_wait(struct waiting *waiting, uint64_t seq, uint64_t timeout_ms) {
    *waiting = (struct waiting){.wait = {.on_done = on_waited}};
    db_events_wait_applied(first.events, &waiting->wait, seq, timeout_ms);
    assert_false(waiting->is_done);
}

// With the loop of the first gateway alone.
static struct db_events_reach expect_status(uint64_t seq, uint64_t timeout_ms,
                                            enum gw_status status) {
    struct waiting waiting;
    start_wait(&waiting, seq, timeout_ms);
    test_run_until(&first.loop, &waiting.is_done);
    assert_int_equal(waiting.status, status);
    return waiting.reach;
}

static void expect_applied(uint64_t seq, int applied) {
    struct db_events_reach reach = expect_status(seq, LONG_MS, GW_OK);
    assert_int_equal(reach.applied, applied);
    assert_int_equal(reach.pending + reach.silent, 0);
}

// The rest has applied it. Returns the seconds from now until which any of these may act on what it
// knew.
static int64_t expect_not_applied(uint64_t seq, int pending, int silent) {
    struct db_events_reach reach = expect_status(seq, SHORT_MS, GW_TIMED_OUT);
    assert_int_equal(reach.pending, pending);
    assert_int_equal(reach.silent, silent);
    return (reach.until_ms - gw_clock_wall_ms()) / 1000;
}

static void test_wait_ends_when_the_only_gateway_has_applied_it(void **state) {
    (void)state;
    start_gateway(&first, "first", database.url);
    run_until_applied(&first, 0);
    expect_applied(change_something(), 1);
}

static void test_wait_is_for_the_gateway_that_stands_still_until_it_goes_on(void **state) {
    (void)state;
    start_both();
    uint64_t seq = change_something();
    run_until_applied(&first, seq);
    (void)expect_not_applied(seq, 1, 0);
    run_until_applied(&second, seq);
    expect_applied(seq, 2);
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
    assert_int_equal(waiting.reach.applied, 2);
}

struct leaving {
    struct db_events_departure departure;
    bool is_done;
};

static void on_left(struct db_events_departure *departure) {
    struct leaving *leaving = gw_container_of(departure, struct leaving, departure);
    assert_false(leaving->is_done);
    leaving->is_done = true;
}

static void leave(struct gateway *gateway) {
    struct leaving leaving = {.departure = {.on_left = on_left}};
    assert_true(db_events_leave(gateway->events, &leaving.departure));
    assert_false(leaving.is_done);
    test_run_until(&gateway->loop, &leaving.is_done);
}

static void test_wait_is_not_for_a_gateway_that_left(void **state) {
    (void)state;
    start_both();
    leave(&second);
    assert_int_equal(test_number(database.url, "select count(*) from skillreg.gateway_member"), 1);
    uint64_t seq = change_something();
    expect_applied(seq, 1);
    run_until_applied(&second, seq); // it still hears, and does not come back
    assert_int_equal(test_number(database.url, "select count(*) from skillreg.gateway"), 1);
}

// ---- gateways that fell silent ----

static void start_first(void) {
    start_gateway(&first, "first", database.url);
    run_until_applied(&first, 0);
}

static uint64_t change_and_apply(void) {
    uint64_t seq = change_something();
    run_until_applied(&first, seq);
    return seq;
}

static void set_last_seen(const char *id, const char *ago) {
    char sql[160];
    (void)snprintf(sql, sizeof(sql),
                   "update skillreg.gateway set seen_at = now() - interval '%s' where id = '%s'",
                   ago, id);
    test_execute(database.url, sql);
}

static void test_wait_is_for_a_silent_gateway_until_its_stale_time_has_passed(void **state) {
    (void)state;
    start_both();
    uint64_t seq = change_and_apply();
    set_last_seen("second", "5.1 s");
    int64_t left_s = expect_not_applied(seq, 0, 1);
    assert_in_range(left_s, 50, 57); // of the stale time and the slack
    set_last_seen("second", "61.9 s");
    struct waiting waiting;
    start_wait(&waiting, seq, LONG_MS);
    test_run_until(&first.loop, &waiting.is_done); // in the tenth of a second that was left
    assert_int_equal(waiting.status, GW_OK);
    assert_int_equal(waiting.reach.applied, 1);
}

static void test_wait_counts_a_gateway_that_fell_silent_after_it_had_applied_it(void **state) {
    (void)state;
    start_both();
    uint64_t seq = change_and_apply();
    run_until_applied(&second, seq);
    set_last_seen("second", "10 s");
    expect_applied(seq, 2);
}

// Its number is of another log: a restored database, sequences set back.
static void test_wait_does_not_believe_a_number_above_the_newest(void **state) {
    (void)state;
    start_both();
    uint64_t seq = change_and_apply();
    test_execute(database.url, "update skillreg.gateway set applied_seq = 1000000"
                               " where id = 'second'");
    (void)expect_not_applied(seq, 1, 0);
    set_last_seen("second", "10 s");
    (void)expect_not_applied(seq, 0, 1);
    run_until_applied(&second, seq);
    expect_applied(seq, 2);
}

static void test_wait_tells_live_and_silent_gateways_apart(void **state) {
    (void)state;
    start_both();
    test_execute(database.url, OLDER_HEARTBEAT("now() - interval '1 min'"));
    uint64_t seq = change_and_apply();
    assert_in_range(expect_not_applied(seq, 1, 1), 500, 545 + 3600); // the latest of both
    assert_int_equal(test_number(database.url, "select count(*) from skillreg.gateway_state"
                                               " where is_live"),
                     2);
}

// ---- crashes of the server ----

static void test_wait_is_for_members_whose_heartbeat_a_crash_took(void **state) {
    (void)state;
    start_both();
    uint64_t seq = change_something();
    test_execute(database.url, CRASH);
    run_until_applied(&first, seq);
    assert_in_range(expect_not_applied(seq, 0, 1), 50, 62);
    run_until_applied(&second, seq);
    expect_applied(seq, 2);
}

// Seen until the crash, which was before the first heartbeat after it: from then on its stale time
// runs, whenever it joined.
static void test_wait_reckons_from_the_first_heartbeat_after_a_crash(void **state) {
    (void)state;
    start_both();
    test_execute(database.url, "update skillreg.gateway_member"
                               " set joined_at = now() - interval '1 day';" CRASH);
    uint64_t seq = change_and_apply();
    (void)expect_not_applied(seq, 0, 1);
    test_execute(database.url, "update skillreg.gateway_since"
                               " set since = now() - interval '61.9 s'");
    expect_applied(seq, 1);
}

static void test_wait_does_not_take_a_truncated_table_for_an_empty_house(void **state) {
    (void)state;
    start_both();
    test_execute(database.url, "update skillreg.gateway_since set since = now() - interval '1 day';"
                               "update skillreg.gateway_member"
                               " set joined_at = now() - interval '1 day';"
                               "truncate skillreg.gateway");
    uint64_t seq = change_and_apply();
    (void)expect_not_applied(seq, 0, 1);
}

static void test_wait_cannot_know_before_its_own_gateway_is_a_member(void **state) {
    (void)state;
    start_first();
    leave(&first);
    uint64_t seq = change_and_apply();
    (void)expect_status(seq, SHORT_MS, GW_UNAVAILABLE);
}

// ---- older programs ----

static void test_wait_is_for_an_older_program_for_ten_minutes(void **state) {
    (void)state;
    start_first();
    test_execute(database.url, OLDER_HEARTBEAT("now() + interval '1 hour'"));
    uint64_t seq = change_and_apply();
    (void)expect_not_applied(seq, 1, 0);
    test_execute(database.url, OLDER_HEARTBEAT("now() - interval '6 s'"));
    assert_in_range(expect_not_applied(seq, 0, 1), 580, 599);
    test_execute(database.url, OLDER_HEARTBEAT("now() - interval '604.9 s'"));
    expect_applied(seq, 1);
}

static void test_wait_is_for_an_older_program_that_is_gone_after_a_crash(void **state) {
    (void)state;
    start_first();
    test_execute(database.url, OLDER_HEARTBEAT("now()") CRASH);
    uint64_t seq = change_and_apply();
    assert_in_range(expect_not_applied(seq, 0, 1), 590, 605);
}

static void test_wait_is_not_for_an_older_program_that_left(void **state) {
    (void)state;
    start_first();
    test_execute(database.url,
                 OLDER_HEARTBEAT("now()") "delete from skillreg.gateway where id = 'older'");
    expect_applied(change_and_apply(), 1);
}

// What an older program that waits asks finds the newer ones.
static void test_the_question_of_an_older_program_counts_the_newer_ones(void **state) {
    (void)state;
    start_both();
    assert_int_equal(test_number(database.url,
                                 "select sum(count) from (select applied_seq, count(*)"
                                 " from skillreg.gateway"
                                 " where seen_at > now() - interval '5 seconds'"
                                 " group by applied_seq) t"),
                     2);
}

// ---- membership ----

static void test_a_process_joins_before_the_log_counts_as_heard(void **state) {
    (void)state;
    start_gateway(&first, "first", database.url);
    const char *sql = "select count(*) from skillreg.gateway_member where id = 'first'";
    while (db_events_heard_ms(first.events) == 0)
        (void)uv_run(&first.loop, UV_RUN_ONCE);
    assert_int_equal(test_number(database.url, sql), 1);
    char logged[2];
    test_value(database.url,
               "select relpersistence from pg_class"
               " where oid = 'skillreg.gateway_member'::regclass",
               logged, sizeof(logged));
    assert_string_equal(logged, "p");
}

static void test_a_process_without_a_heartbeat_hears_nothing(void **state) {
    (void)state;
    test_execute(database.url, "alter function skillreg.gateway_join rename to gateway_join_away");
    start_gateway(&first, "first", database.url);
    uint64_t start_ms = uv_now(&first.loop);
    while (uv_now(&first.loop) - start_ms < 300)
        (void)uv_run(&first.loop, UV_RUN_ONCE);
    assert_int_equal(db_events_heard_ms(first.events), 0);
    test_execute(database.url, "alter function skillreg.gateway_join_away rename to gateway_join");
    run_until_applied(&first, 0);
}

static void test_a_process_leaves_with_the_next_connection_when_one_is_lost(void **state) {
    (void)state;
    start_first();
    assert_int_equal(test_number(database.url,
                                 "select count(pg_terminate_backend(pid)) from pg_stat_activity"
                                 " where datname = current_database() and"
                                 " application_name = 'skillreg-gateway'"),
                     1);
    leave(&first);
    assert_int_equal(test_number(database.url, "select count(*) from skillreg.gateway_member"), 0);
}

static void test_a_process_that_never_joined_need_not_leave(void **state) {
    (void)state;
    struct leaving leaving = {.departure = {.on_left = on_left}};
    start_gateway(&first, "first", "postgresql://x@/x?host=/nonexistent-directory");
    assert_false(db_events_leave(first.events, &leaving.departure));
    close_gateway(&first);
    (void)uv_run(&first.loop, UV_RUN_DEFAULT);
    assert_false(leaving.is_done);
}

// Others reckon from its last heartbeat; after this one there is none.
static void test_without_heartbeats_the_log_is_not_heard_for_long(void **state) {
    (void)state;
    start_first();
    leave(&first);
    uint64_t heard_ms = db_events_heard_ms(first.events);
    while (uv_now(&first.loop) < heard_ms + DB_GATEWAY_HEARD_AHEAD_MS + 500)
        (void)uv_run(&first.loop, UV_RUN_ONCE);
    assert_true(db_events_heard_ms(first.events) <= heard_ms + DB_GATEWAY_HEARD_AHEAD_MS);
}

// By this row alone a process is waited for that nobody can reach any more.
static void test_joining_is_committed_for_good_whatever_the_default(void **state) {
    (void)state;
    char joining[8];
    char beating[8];
    const char *sql = "begin; set local synchronous_commit = off;"
                      "select skillreg.gateway_heartbeat('x', 0, 5000, null);"
                      "select current_setting('synchronous_commit')";
    test_value(database.url, sql, joining, sizeof(joining));
    assert_string_equal(joining, "on");
    test_execute(database.url, "select skillreg.gateway_heartbeat('x', 0, 5000, null)");
    test_value(database.url, sql, beating, sizeof(beating));
    assert_string_equal(beating, "off");
}

static void test_a_process_whose_rows_were_removed_joins_again(void **state) {
    (void)state;
    start_first();
    test_execute(database.url, "delete from skillreg.gateway_member");
    const char *sql = "select count(*) from skillreg.gateway_member where stale_ms = 62000";
    uint64_t start_ms = uv_now(&first.loop);
    while (test_number(database.url, sql) == 0 && uv_now(&first.loop) - start_ms < 20000)
        run_until_applied(&first, 0);
    assert_int_equal(test_number(database.url, sql), 1);
}

static void test_the_next_in_a_slot_ends_the_membership_of_the_one_before(void **state) {
    (void)state;
    start_in_slot(&second, "crashed", "supervisor.1", database.url);
    run_until_applied(&second, 0);
    close_gateway(&second);
    start_first();
    uint64_t seq = change_and_apply();
    (void)expect_not_applied(seq, 1, 0);
    (void)uv_run(&second.loop, UV_RUN_DEFAULT);
    start_in_slot(&second, "next", "supervisor.1", database.url);
    run_until_applied(&second, seq);
    expect_applied(seq, 2);
    char members[64];
    test_value(database.url, "select string_agg(id, ' ' order by id) from skillreg.gateway_member",
               members, sizeof(members));
    assert_string_equal(members, "first next");
}

static void test_other_slots_and_no_slot_are_left_alone(void **state) {
    (void)state;
    start_in_slot(&second, "one", "supervisor.1", database.url);
    run_until_applied(&second, 0);
    test_execute(database.url, "select skillreg.gateway_heartbeat('two', 0, 5000, 'supervisor.2');"
                               "select skillreg.gateway_heartbeat('three', 0, 5000, null);"
                               "select skillreg.gateway_heartbeat('four', 0, 5000, null)");
    assert_int_equal(test_number(database.url, "select count(*) from skillreg.gateway_member"), 4);
}

static void test_members_are_pruned_once_nobody_can_wait_for_them(void **state) {
    (void)state;
    test_execute(
        database.url,
        "select skillreg.gateway_heartbeat(id, 0, stale_ms, null) from (values ('gone', 5000),"
        " ('silent', 5000), ('long', 100000000), ('unheard', 5000)) t (id, stale_ms);"
        "update skillreg.gateway set seen_at = now() - interval '25 hours'"
        " where id in ('gone', 'long');"
        "update skillreg.gateway set seen_at = now() - interval '23 hours' where id = 'silent';"
        "alter table skillreg.gateway disable trigger user;"
        "delete from skillreg.gateway where id = 'unheard';"
        "alter table skillreg.gateway enable trigger user;"
        "update skillreg.gateway_member set joined_at = now() - interval '25 hours';"
        "select skillreg.token_event_prune(100)");
    const char *sql = "select string_agg(id, ' ' order by id) from skillreg.gateway_member";
    char left[64];
    test_value(database.url, sql, left, sizeof(left));
    assert_string_equal(left, "long silent unheard"); // of the last the crash was a moment ago
    test_execute(database.url, "update skillreg.gateway_since"
                               " set since = now() - interval '25 hours';"
                               "select skillreg.token_event_prune(100)");
    test_value(database.url, sql, left, sizeof(left));
    assert_string_equal(left, "long silent");
}

// ---- asking ----

static void test_wait_asks_at_least_once_whatever_the_time(void **state) {
    (void)state;
    start_both();
    uint64_t seq = change_something();
    run_until_told(&first, "first", seq);
    run_until_told(&second, "second", seq);
    assert_int_equal(expect_status(seq, 0, GW_OK).applied, 2);
    assert_int_equal(expect_status(seq + 1, 0, GW_TIMED_OUT).pending, 2);
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
    (void)expect_not_applied(seq, 1, 0);
    assert_false(asked.is_done || fresh.is_done);
}

static void test_wait_without_a_database_cannot_know(void **state) {
    (void)state;
    start_gateway(&first, "first", "postgresql://x@/x?host=/nonexistent-directory");
    struct db_events_reach reach = expect_status(1, 50, GW_UNAVAILABLE);
    assert_int_equal(reach.applied + reach.pending + reach.silent, 0);
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

static void close_when_told(struct db_events_wait *wait, enum gw_status status,
                            const struct db_events_reach *reach) {
    (void)status;
    (void)reach;
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
        TEST(test_wait_is_for_a_silent_gateway_until_its_stale_time_has_passed),
        TEST(test_wait_counts_a_gateway_that_fell_silent_after_it_had_applied_it),
        TEST(test_wait_does_not_believe_a_number_above_the_newest),
        TEST(test_wait_tells_live_and_silent_gateways_apart),
        TEST(test_wait_is_for_members_whose_heartbeat_a_crash_took),
        TEST(test_wait_reckons_from_the_first_heartbeat_after_a_crash),
        TEST(test_wait_does_not_take_a_truncated_table_for_an_empty_house),
        TEST(test_wait_cannot_know_before_its_own_gateway_is_a_member),
        TEST(test_wait_is_for_an_older_program_for_ten_minutes),
        TEST(test_wait_is_for_an_older_program_that_is_gone_after_a_crash),
        TEST(test_wait_is_not_for_an_older_program_that_left),
        TEST(test_the_question_of_an_older_program_counts_the_newer_ones),
        TEST(test_a_process_joins_before_the_log_counts_as_heard),
        TEST(test_a_process_without_a_heartbeat_hears_nothing),
        TEST(test_a_process_leaves_with_the_next_connection_when_one_is_lost),
        TEST(test_a_process_that_never_joined_need_not_leave),
        TEST(test_without_heartbeats_the_log_is_not_heard_for_long),
        TEST(test_joining_is_committed_for_good_whatever_the_default),
        TEST(test_a_process_whose_rows_were_removed_joins_again),
        TEST(test_the_next_in_a_slot_ends_the_membership_of_the_one_before),
        TEST(test_other_slots_and_no_slot_are_left_alone),
        TEST(test_members_are_pruned_once_nobody_can_wait_for_them),
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
