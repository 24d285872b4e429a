// SPDX-License-Identifier: MIT
// Proves of db/pool.c, db/pool_lane.c and db/blockers.c what holds while changes wait for locks:
// lookups go on, changes go on past last-used times that wait, each wait ends in time with a status
// of its own, what a deadlock undid is tried again, and the session in the way is found.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "db/blockers.h"
#include "db/migrate.h"
#include "db/pool.h"
#include "db/pool_lane.h"
#include "tests/support/postgres.h"

static const struct db_statement echo = {"echo", "select $1::int8", 1, DB_STATEMENT_READ};
// Each waits as long as somebody else holds lock number $1.
static const struct db_statement change = {
    "change", "select 1 from (select pg_advisory_xact_lock_shared($1::int8)) l", 1,
    DB_STATEMENT_CHANGE};
static const struct db_statement slow_read = {
    "slow_read", "select 1 from (select pg_advisory_xact_lock_shared($1::int8)) l", 1,
    DB_STATEMENT_READ};
static const struct db_statement note = {
    "note", "select 1 from (select pg_advisory_xact_lock_shared($1::int8)) l", 1,
    DB_STATEMENT_NOTE};
static const struct db_statement impatient = {"impatient", "select impatient($1::int8)", 1,
                                              DB_STATEMENT_CHANGE};
// Fails as a deadlock does until its $1th time.
static const struct db_statement unlucky = {"unlucky", "select unlucky($1::int8, '40P01')", 1,
                                            DB_STATEMENT_CHANGE};
static const struct db_statement locked_out = {"locked_out", "select unlucky($1::int8, '55P03')", 1,
                                               DB_STATEMENT_CHANGE};
static const struct db_statement unlucky_read = {
    "unlucky_read", "select unlucky($1::int8, '40001')", 1, DB_STATEMENT_READ};
static const struct db_statement add_event = {
    "add_event",
    "insert into skillreg.token_event (seq, kind, org_id) values ($1::int8, 4, 'org1') returning 1",
    1, DB_STATEMENT_CHANGE};

static const struct db_statement *const statements[] = {
    &echo,    &change,     &slow_read,    &note,      &impatient,
    &unlucky, &locked_out, &unlucky_read, &add_event, &db_blockers_statement};

static const char functions[] =
    "create sequence tries;"
    "create function impatient(p_lock int8) returns int8 language plpgsql set lock_timeout = "
    "'200ms'"
    " as $$ begin perform pg_advisory_xact_lock_shared(p_lock); return 1; end $$;"
    "create function unlucky(p_until int8, p_code text) returns int8 language plpgsql as $$"
    " begin if nextval('tries') < p_until then raise 'unlucky' using errcode = p_code; end if;"
    " return 1; end $$";

static struct fixture {
    uv_loop_t loop;
    struct db_pool *pool;
    struct test_database database;
} fixture;

static int open_pool(void **state) {
    (void)state;
    test_database_open(&fixture.database);
    struct db_migrate_report report;
    assert_int_equal(db_migrate(fixture.database.url, &report), GW_OK);
    test_execute(fixture.database.url, functions);
    assert_int_equal(uv_loop_init(&fixture.loop), 0);
    const struct db_pool_options options = {
        .url = fixture.database.url,
        .connections = 1,
        .change_connections = 2,
        .note_connections = 1,
        .queue_max = 10,
        .query_timeout_ms = 20000,
        .connect_timeout_ms = 5000,
        .statements = statements,
        .statement_count = sizeof(statements) / sizeof(statements[0]),
    };
    assert_int_equal(db_pool_create(&fixture.loop, &options, &fixture.pool), GW_OK);
    struct db_pool_stats stats = {0};
    for (uint64_t until = uv_hrtime() + 60000000000ULL;
         stats.connections_ready < 4 && uv_hrtime() < until;) {
        (void)uv_run(&fixture.loop, UV_RUN_ONCE);
        db_pool_stats(fixture.pool, &stats);
    }
    assert_int_equal(stats.connections_ready, 4);
    return 0;
}

static int close_pool(void **state) {
    (void)state;
    if (fixture.pool != NULL)
        db_pool_close(fixture.pool, NULL);
    fixture.pool = NULL;
    test_loop_close(&fixture.loop);
    return 0;
}

// ---- statements ----

struct call {
    struct db_query query;
    bool is_done;
    enum gw_status status;
};

static void on_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    (void)result;
    struct call *call = gw_container_of(query, struct call, query);
    assert_false(call->is_done); // once
    call->is_done = true;
    call->status = status;
}

static void init_call(struct call *call, const struct db_statement *statement, int64_t value) {
    memset(call, 0, sizeof(*call));
    struct db_params *params = db_query_start(&call->query, statement, on_done);
    if (statement->parameter_count > 0)
        db_put_int8(params, value);
}

static void submit(struct call *call, const struct db_statement *statement, int64_t value) {
    init_call(call, statement, value);
    assert_int_equal(db_pool_submit(fixture.pool, &call->query), GW_OK);
}

static enum gw_status run_call(const struct db_statement *statement, int64_t value) {
    struct call call;
    submit(&call, statement, value);
    test_run_until(&fixture.loop, &call.is_done);
    return call.status;
}

static struct db_pool_stats stats_of(void) {
    struct db_pool_stats stats;
    db_pool_stats(fixture.pool, &stats);
    return stats;
}

// Somebody else's.
static PGconn *hold_lock(const char *sql) {
    PGconn *pg = PQconnectdb(fixture.database.url);
    assert_int_equal(PQstatus(pg), CONNECTION_OK);
    PGresult *result = PQexec(pg, sql);
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    PQclear(result);
    return pg;
}

static void run_once(void) {
    (void)uv_run(&fixture.loop, UV_RUN_NOWAIT);
}

// ---- tests ----

static void test_pool_looks_up_while_every_change_and_note_waits(void **state) {
    (void)state;
    PGconn *other = hold_lock("select pg_advisory_lock(1)");
    struct call waiting[3];
    submit(&waiting[0], &change, 1);
    submit(&waiting[1], &change, 1);
    submit(&waiting[2], &note, 1);
    run_once();
    assert_int_equal(stats_of().queries_in_flight, 3);
    for (int i = 0; i < 50; i++)
        assert_int_equal(run_call(&echo, i), GW_OK);
    for (int i = 0; i < 3; i++)
        assert_false(waiting[i].is_done);
    PQfinish(other);
    for (int i = 0; i < 3; i++) {
        test_run_until(&fixture.loop, &waiting[i].is_done);
        assert_int_equal(waiting[i].status, GW_OK);
    }
}

static void test_pool_makes_a_change_past_a_note_and_a_change_that_wait(void **state) {
    (void)state;
    PGconn *other = hold_lock("select pg_advisory_lock(1)");
    struct call waiting[2];
    submit(&waiting[0], &note, 1);
    submit(&waiting[1], &change, 1);
    for (int i = 0; i < 10; i++)
        assert_int_equal(run_call(&change, 2), GW_OK);
    assert_false(waiting[0].is_done || waiting[1].is_done);
    PQfinish(other);
    test_run_until(&fixture.loop, &waiting[0].is_done);
    test_run_until(&fixture.loop, &waiting[1].is_done);
}

static void test_pool_ends_what_queues_behind_waiting_changes_as_busy(void **state) {
    (void)state;
    PGconn *other = hold_lock("select pg_advisory_lock(1)");
    struct call waiting[2];
    submit(&waiting[0], &change, 1);
    submit(&waiting[1], &change, 1);
    run_once();
    struct call queued;
    uint64_t start = uv_now(&fixture.loop);
    submit(&queued, &unlucky, 0);
    test_run_until(&fixture.loop, &queued.is_done);
    assert_int_equal(queued.status, GW_BUSY);
    assert_in_range(uv_now(&fixture.loop) - start, GW_DB_CHANGE_PATIENCE_MS,
                    GW_DB_CHANGE_PATIENCE_MS + 5000);
    assert_int_equal(stats_of().changes_busy_total, 1);
    PQfinish(other);
    test_run_until(&fixture.loop, &waiting[0].is_done);
    test_run_until(&fixture.loop, &waiting[1].is_done);
    // and it has not run
    assert_int_equal(
        test_number(fixture.database.url, "select count(*) from tries where is_called"), 0);
}

static void test_pool_refuses_changes_as_busy_when_the_queue_is_full_of_them(void **state) {
    (void)state;
    PGconn *other = hold_lock("select pg_advisory_lock(1)");
    static struct call calls[GW_DB_CHANGE_QUEUE_MAX + 3];
    for (int i = 0; i < GW_DB_CHANGE_QUEUE_MAX + 2; i++) // two of them are sent
        submit(&calls[i], &change, 1);
    struct call *last = &calls[GW_DB_CHANGE_QUEUE_MAX + 2];
    init_call(last, &change, 1);
    assert_int_equal(db_pool_submit(fixture.pool, &last->query), GW_BUSY);
    assert_int_equal(run_call(&echo, 1), GW_OK);
    PQfinish(other);
    for (int i = 0; i < GW_DB_CHANGE_QUEUE_MAX + 2; i++)
        test_run_until(&fixture.loop, &calls[i].is_done);
}

static void test_pool_says_busy_when_the_lock_time_out_ends_a_change(void **state) {
    (void)state;
    PGconn *other = hold_lock("select pg_advisory_lock(1)");
    assert_int_equal(run_call(&impatient, 1), GW_BUSY);
    PQfinish(other);
    assert_int_equal(run_call(&impatient, 1), GW_OK);
    assert_int_equal(stats_of().repeated_total, 0);
}

static void test_pool_tries_again_what_a_deadlock_undid(void **state) {
    (void)state;
    assert_int_equal(run_call(&unlucky, 1 + GW_DB_REPEATS_MAX), GW_OK);
    assert_int_equal(stats_of().repeated_total, GW_DB_REPEATS_MAX);
    assert_int_equal(stats_of().queries_failed_total, 0);
}

static void test_pool_tries_a_bounded_number_of_times(void **state) {
    (void)state;
    assert_int_equal(run_call(&unlucky, 1000), GW_BUSY);
    assert_int_equal(test_number(fixture.database.url, "select last_value from tries"),
                     1 + GW_DB_REPEATS_MAX);
}

static void test_pool_tries_neither_lock_time_outs_nor_reads_again(void **state) {
    (void)state;
    assert_int_equal(run_call(&locked_out, 2), GW_BUSY);
    assert_int_equal(run_call(&unlucky_read, 3), GW_UNAVAILABLE);
    assert_int_equal(test_number(fixture.database.url, "select last_value from tries"), 2);
}

static void run_until_resting(uint64_t repeated) {
    for (uint64_t until = uv_hrtime() + 20000000000ULL;
         stats_of().repeated_total < repeated && uv_hrtime() < until;)
        (void)uv_run(&fixture.loop, UV_RUN_ONCE);
    assert_int_equal(stats_of().repeated_total, repeated);
}

static void test_pool_cancels_a_change_that_rests_before_its_next_try(void **state) {
    (void)state;
    struct call call;
    submit(&call, &unlucky, 1000);
    run_until_resting(1);
    db_pool_cancel(fixture.pool, &call.query);
    memset(&call.query, 0xEE, sizeof(call.query)); // its memory is the owner's again
    assert_int_equal(stats_of().queries_queued, 0);
    assert_int_equal(run_call(&unlucky, 0), GW_OK);
    assert_false(call.is_done);
    assert_int_equal(test_number(fixture.database.url, "select last_value from tries"), 2);
}

static void test_pool_ends_a_change_that_rests_when_it_closes(void **state) {
    (void)state;
    struct call call;
    submit(&call, &unlucky, 1000);
    run_until_resting(1);
    db_pool_close(fixture.pool, NULL);
    fixture.pool = NULL;
    assert_int_equal(uv_run(&fixture.loop, UV_RUN_DEFAULT), 0);
    assert_true(call.is_done);
    assert_int_equal(call.status, GW_UNAVAILABLE);
}

static void run_until_found(void) {
    for (uint64_t until = uv_hrtime() + 20000000000ULL;
         stats_of().locks.blocker_pid == 0 && uv_hrtime() < until;)
        (void)uv_run(&fixture.loop, UV_RUN_ONCE);
}

static void test_pool_finds_the_session_that_changes_wait_for(void **state) {
    (void)state;
    PGconn *other = hold_lock("select pg_advisory_lock(1)");
    struct call waiting[2];
    submit(&waiting[0], &change, 1);
    submit(&waiting[1], &change, 1);
    run_until_found();
    struct db_blockers_stats locks = stats_of().locks;
    assert_int_equal(locks.blocker_pid, PQbackendPID(other));
    assert_int_equal(locks.waiting, 2);
    assert_true(locks.waiting_ms >= GW_DB_WAIT_NOTED_MS);
    PQfinish(other);
    test_run_until(&fixture.loop, &waiting[0].is_done);
    test_run_until(&fixture.loop, &waiting[1].is_done);
    locks = stats_of().locks;
    assert_int_equal(locks.waiting, 0);
    assert_int_equal(locks.blocker_pid, 0);
    assert_int_equal(locks.waited_total, 2);
    assert_true(locks.waited_ms_total >= 2 * GW_DB_WAIT_NOTED_MS);
}

static void test_pool_counts_a_wait_whose_owner_has_left(void **state) {
    (void)state;
    PGconn *other = hold_lock("select pg_advisory_lock(1)");
    struct call left;
    submit(&left, &change, 1);
    run_once();
    db_pool_cancel(fixture.pool, &left.query);
    run_until_found();
    assert_int_equal(stats_of().locks.waiting, 1);
    assert_int_equal(stats_of().locks.blocker_pid, PQbackendPID(other));
    PQfinish(other);
    for (uint64_t until = uv_hrtime() + 20000000000ULL;
         stats_of().locks.waiting > 0 && uv_hrtime() < until;)
        (void)uv_run(&fixture.loop, UV_RUN_ONCE);
    assert_int_equal(stats_of().locks.waiting, 0);
    assert_int_equal(run_call(&change, 1), GW_OK);
    assert_false(left.is_done);
}

// The question who is in the way stands behind a lookup that takes long.
static void test_pool_sleeps_while_nobody_answers_who_is_in_the_way(void **state) {
    (void)state;
    PGconn *other = hold_lock("select pg_advisory_lock(1)");
    struct call read;
    struct call waiting;
    submit(&read, &slow_read, 1);
    submit(&waiting, &change, 1);
    int turns = 0;
    while (stats_of().locks.waiting_ms < 2 * GW_DB_WAIT_LOOK_MS + GW_DB_WAIT_NOTED_MS) {
        (void)uv_run(&fixture.loop, UV_RUN_ONCE);
        turns++;
    }
    assert_in_range(turns, 3, 50);
    PQfinish(other);
    test_run_until(&fixture.loop, &read.is_done);
    test_run_until(&fixture.loop, &waiting.is_done);
}

// A number of the log that is there already is no conflict of the caller's.
static void test_pool_tells_a_taken_number_of_the_log_from_a_conflict(void **state) {
    (void)state;
    assert_int_equal(run_call(&add_event, 7), GW_OK);
    assert_int_equal(run_call(&add_event, 7), GW_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pool, close_pool)
        TEST(test_pool_looks_up_while_every_change_and_note_waits),
        TEST(test_pool_makes_a_change_past_a_note_and_a_change_that_wait),
        TEST(test_pool_ends_what_queues_behind_waiting_changes_as_busy),
        TEST(test_pool_refuses_changes_as_busy_when_the_queue_is_full_of_them),
        TEST(test_pool_says_busy_when_the_lock_time_out_ends_a_change),
        TEST(test_pool_tries_again_what_a_deadlock_undid),
        TEST(test_pool_tries_a_bounded_number_of_times),
        TEST(test_pool_tries_neither_lock_time_outs_nor_reads_again),
        TEST(test_pool_cancels_a_change_that_rests_before_its_next_try),
        TEST(test_pool_ends_a_change_that_rests_when_it_closes),
        TEST(test_pool_finds_the_session_that_changes_wait_for),
        TEST(test_pool_counts_a_wait_whose_owner_has_left),
        TEST(test_pool_sleeps_while_nobody_answers_who_is_in_the_way),
        TEST(test_pool_tells_a_taken_number_of_the_log_from_a_conflict),
    };
    return cmocka_run_group_tests_name("db/pool: changes that wait", tests, NULL, NULL);
}
