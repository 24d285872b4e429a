// SPDX-License-Identifier: MIT
// Proves of db/pool.c and db/conn.c on a server that is well: every query gets its own answer
// once, waits when there is no room, ends in time, and one that fails hurts no other. A server that
// is not well: test_pool_outage.c.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "db/conn.h"
#include "db/result.h"
#include "tests/support/postgres.h"

static const struct db_statement echo = {"echo", "select $1::int8", 1, DB_STATEMENT_READ};
static const struct db_statement divide = {"divide", "select 1 / $1::int8", 1, DB_STATEMENT_READ};
// As long as somebody else holds that lock.
static const struct db_statement wait_for_lock = {
    "wait", "select 1 from (select pg_advisory_xact_lock_shared($1::int8)) l", 1,
    DB_STATEMENT_READ};
static const struct db_statement absent = {"absent", "select n from absent where n = $1::int8", 1,
                                           DB_STATEMENT_READ};

static const struct db_statement *const statements[] = {&echo, &divide, &wait_for_lock};

static struct fixture {
    uv_loop_t loop;
    struct db_pool *pool;
    struct test_database database;
} fixture;

static const struct db_pool_options default_options = {
    .connections = 2,
    .queue_max = 1000,
    .query_timeout_ms = 10000,
    .connect_timeout_ms = 5000,
    .statements = statements,
    .statement_count = 3,
};

static int open_loop(void **state) {
    (void)state;
    test_database_open(&fixture.database);
    assert_int_equal(uv_loop_init(&fixture.loop), 0);
    return 0;
}

static int close_loop(void **state) {
    (void)state;
    if (fixture.pool != NULL) // the test failed
        db_pool_close(fixture.pool, NULL);
    fixture.pool = NULL;
    test_loop_close(&fixture.loop);
    return 0;
}

static void open_pool(const struct db_pool_options *options) {
    struct db_pool_options filled = *options;
    if (filled.url == NULL)
        filled.url = fixture.database.url;
    assert_int_equal(db_pool_create(&fixture.loop, &filled, &fixture.pool), GW_OK);
}

static void close_pool(void) {
    struct db_pool *pool = fixture.pool;
    fixture.pool = NULL;
    db_pool_close(pool, NULL);
    assert_int_equal(uv_run(&fixture.loop, UV_RUN_DEFAULT), 0);
}

// ---- a query ----

struct call {
    struct db_query query;
    int calls;
    bool is_done;
    enum gw_status status;
    int64_t value;
    void (*then)(struct call *call);
};

static void on_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct call *call = gw_container_of(query, struct call, query);
    call->calls++;
    call->is_done = true;
    call->status = status;
    assert_true((result != NULL) == (status == GW_OK));
    if (result != NULL)
        call->value = db_get_int(result, 0, 0, -1);
    if (call->then != NULL)
        call->then(call);
}

static void init_call(struct call *call, const struct db_statement *statement, int64_t value) {
    memset(call, 0, sizeof(*call));
    struct db_params *params = db_query_start(&call->query, statement, on_done);
    if (statement->parameter_count > 0)
        db_put_int8(params, value);
}

static void submit(struct call *call) {
    assert_int_equal(db_pool_submit(fixture.pool, &call->query), GW_OK);
    assert_int_equal(call->calls, 0); // never inside the call
}

static enum gw_status run_call(const struct db_statement *statement, int64_t value) {
    struct call call;
    init_call(&call, statement, value);
    submit(&call);
    test_run_until(&fixture.loop, &call.is_done);
    assert_int_equal(call.calls, 1);
    if (call.status == GW_OK && statement == &echo)
        assert_int_equal(call.value, value);
    return call.status;
}

static struct db_pool_stats stats_of(void) {
    struct db_pool_stats stats;
    db_pool_stats(fixture.pool, &stats);
    return stats;
}

static void run_until_ready(int connections) {
    for (uint64_t until = uv_hrtime() + 60000000000ULL;
         stats_of().connections_ready < connections && uv_hrtime() < until;)
        (void)uv_run(&fixture.loop, UV_RUN_ONCE);
    assert_int_equal(stats_of().connections_ready, connections);
}

static uint64_t connects_total(void) {
    return stats_of().connects_total;
}

static void run_until_connects(uint64_t wanted) {
    for (uint64_t until = uv_hrtime() + 60000000000ULL;
         connects_total() < wanted && uv_hrtime() < until;)
        (void)uv_run(&fixture.loop, UV_RUN_ONCE);
    assert_int_equal(connects_total(), wanted);
}

// Somebody else's lock number 1.
static PGconn *hold_lock(void) {
    PGconn *pg = PQconnectdb(fixture.database.url);
    assert_int_equal(PQstatus(pg), CONNECTION_OK);
    PGresult *result = PQexec(pg, "select pg_advisory_lock(1)");
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    PQclear(result);
    return pg;
}

// ---- answers ----

static void test_pool_gives_each_query_its_own_answer_once(void **state) {
    (void)state;
    open_pool(&default_options);
    static struct call calls[700];
    for (int i = 0; i < 700; i++) {
        init_call(&calls[i], &echo, i * 1000003LL);
        submit(&calls[i]);
    }
    for (int i = 0; i < 700; i++)
        test_run_until(&fixture.loop, &calls[i].is_done);
    for (int i = 0; i < 700; i++) {
        assert_int_equal(calls[i].calls, 1);
        assert_int_equal(calls[i].status, GW_OK);
        assert_int_equal(calls[i].value, i * 1000003LL);
    }
    assert_int_equal(stats_of().queries_total, 700);
    assert_int_equal(stats_of().queries_in_flight, 0);
    close_pool();
}

static void test_pool_error_in_the_middle_of_a_pipeline_hurts_nothing_else(void **state) {
    (void)state;
    struct db_pool_options options = default_options;
    options.connections = 1;
    open_pool(&options);
    run_until_ready(1);
    struct call calls[30];
    for (int i = 0; i < 30; i++) {
        init_call(&calls[i], i % 10 == 5 ? &divide : &echo, i % 10 == 5 ? 0 : i);
        submit(&calls[i]);
    }
    for (int i = 0; i < 30; i++)
        test_run_until(&fixture.loop, &calls[i].is_done);
    for (int i = 0; i < 30; i++) {
        assert_int_equal(calls[i].status, i % 10 == 5 ? GW_INVALID : GW_OK);
        if (i % 10 != 5)
            assert_int_equal(calls[i].value, i);
    }
    assert_int_equal(stats_of().disconnects_total, 0);
    close_pool();
}

static void submit_next(struct call *call) {
    struct call *next = call + 1;
    if (next->query.statement != NULL)
        submit(next);
}

static void test_pool_takes_a_query_from_inside_a_callback(void **state) {
    (void)state;
    open_pool(&default_options);
    struct call calls[4];
    for (int i = 0; i < 3; i++) {
        init_call(&calls[i], &echo, i);
        calls[i].then = submit_next;
    }
    calls[3].query.statement = NULL;
    submit(&calls[0]);
    test_run_until(&fixture.loop, &calls[2].is_done);
    assert_int_equal(calls[2].value, 2);
    close_pool();
}

// ---- room ----

static void test_pool_queues_when_all_connections_are_busy(void **state) {
    (void)state;
    open_pool(&default_options);
    run_until_ready(2);
    PGconn *other = hold_lock();
    static struct call calls[300];
    for (int i = 0; i < 300; i++) { // the first on each connection waits, those behind it too
        init_call(&calls[i], i < 2 ? &wait_for_lock : &echo, i < 2 ? 1 : i);
        submit(&calls[i]);
    }
    (void)uv_run(&fixture.loop, UV_RUN_NOWAIT);
    assert_int_equal(stats_of().queries_in_flight, 2 * DB_CONN_IN_FLIGHT_MAX);
    assert_int_equal(stats_of().queries_queued, 300 - 2 * DB_CONN_IN_FLIGHT_MAX);
    PQfinish(other);
    for (int i = 0; i < 300; i++)
        test_run_until(&fixture.loop, &calls[i].is_done);
    for (int i = 2; i < 300; i++)
        assert_int_equal(calls[i].value, i);
    close_pool();
}

static void test_pool_spreads_queries_over_its_connections(void **state) {
    (void)state;
    open_pool(&default_options);
    run_until_ready(2);
    PGconn *other = hold_lock();
    struct call waiting;
    init_call(&waiting, &wait_for_lock, 1);
    submit(&waiting);
    (void)uv_run(&fixture.loop, UV_RUN_NOWAIT);
    for (int i = 0; i < 20; i++)
        assert_int_equal(run_call(&echo, i), GW_OK); // past the one that waits
    assert_false(waiting.is_done);
    PQfinish(other);
    test_run_until(&fixture.loop, &waiting.is_done);
    close_pool();
}

static void test_pool_refuses_what_the_queue_cannot_hold(void **state) {
    (void)state;
    struct db_pool_options options = default_options;
    options.url = "postgresql:///x?host=/nonexistent";
    options.queue_max = 10;
    open_pool(&options);
    struct call calls[11];
    for (int i = 0; i < 11; i++)
        init_call(&calls[i], &echo, i);
    for (int i = 0; i < 10; i++)
        submit(&calls[i]);
    assert_int_equal(db_pool_submit(fixture.pool, &calls[10].query), GW_UNAVAILABLE);
    close_pool();
    for (int i = 0; i < 10; i++) {
        assert_int_equal(calls[i].calls, 1);
        assert_int_equal(calls[i].status, GW_UNAVAILABLE);
    }
    assert_int_equal(calls[10].calls, 0);
}

// ---- time ----

static void test_pool_ends_a_queued_query_at_its_deadline(void **state) {
    (void)state;
    struct db_pool_options options = default_options;
    options.url = "postgresql:///x?host=/nonexistent";
    options.query_timeout_ms = 150;
    open_pool(&options);
    uv_update_time(&fixture.loop); // a deadline counts from the time of the turn
    uint64_t start = uv_hrtime();
    assert_int_equal(run_call(&echo, 1), GW_UNAVAILABLE);
    uint64_t took_ms = (uv_hrtime() - start) / 1000000;
    assert_true(took_ms >= 140 && took_ms < default_options.query_timeout_ms);
    assert_int_equal(stats_of().queries_queued, 0);
    close_pool();
}

static void test_pool_drops_a_connection_that_does_not_answer_in_time(void **state) {
    (void)state;
    struct db_pool_options options = default_options;
    options.connections = 1;
    options.query_timeout_ms = 2000; // also of the one that is answered at the end
    open_pool(&options);
    run_until_ready(1);
    PGconn *other = hold_lock();
    struct call behind;
    struct call stuck;
    init_call(&stuck, &wait_for_lock, 1);
    init_call(&behind, &echo, 1);
    submit(&stuck);
    submit(&behind);
    test_run_until(&fixture.loop, &stuck.is_done);
    test_run_until(&fixture.loop, &behind.is_done);
    assert_int_equal(stuck.status, GW_UNAVAILABLE);
    assert_int_equal(behind.status, GW_UNAVAILABLE);
    run_until_connects(2);
    assert_int_equal(stats_of().disconnects_total, 1);
    assert_int_equal(run_call(&echo, 2), GW_OK);
    assert_int_equal(stuck.calls + behind.calls, 2);
    PQfinish(other);
    close_pool();
}

// ---- cancelling ----

static void test_pool_never_calls_a_cancelled_query(void **state) {
    (void)state;
    struct db_pool_options options = default_options;
    options.connections = 1;
    open_pool(&options);
    struct call queued;
    init_call(&queued, &echo, 1);
    submit(&queued);
    db_pool_cancel(fixture.pool, &queued.query);
    assert_int_equal(stats_of().queries_queued, 0);
    run_until_ready(1);

    PGconn *other = hold_lock();
    struct call in_flight;
    struct call after;
    init_call(&in_flight, &wait_for_lock, 1);
    init_call(&after, &echo, 7);
    submit(&in_flight);
    submit(&after);
    (void)uv_run(&fixture.loop, UV_RUN_NOWAIT);
    assert_int_equal(stats_of().queries_in_flight, 2);
    db_pool_cancel(fixture.pool, &in_flight.query);
    db_pool_cancel(fixture.pool, &in_flight.query);          // harmless
    memset(&in_flight.query, 0xEE, sizeof(in_flight.query)); // its memory is the owner's again
    assert_int_equal(stats_of().queries_in_flight, 1);
    PQfinish(other);
    test_run_until(&fixture.loop, &after.is_done);
    assert_int_equal(after.value, 7);           // its own answer, not that of the cancelled one
    db_pool_cancel(fixture.pool, &after.query); // done
    struct call never;
    init_call(&never, &echo, 1);
    db_pool_cancel(fixture.pool, &never.query); // never submitted
    assert_int_equal(run_call(&echo, 8), GW_OK);
    assert_int_equal(queued.calls + in_flight.calls + never.calls, 0);
    close_pool();
}

static void cancel_next(struct call *call) {
    db_pool_cancel(fixture.pool, &call[1].query);
}

static void test_pool_cancels_a_query_from_the_callback_of_another(void **state) {
    (void)state;
    struct db_pool_options options = default_options;
    options.connections = 1;
    open_pool(&options);
    struct call calls[3];
    for (int i = 0; i < 3; i++) {
        init_call(&calls[i], &echo, i);
        submit(&calls[i]);
    }
    calls[0].then = cancel_next;
    test_run_until(&fixture.loop, &calls[2].is_done);
    assert_int_equal(calls[0].calls, 1);
    assert_int_equal(calls[1].calls, 0);
    assert_int_equal(calls[2].value, 2);
    close_pool();
}

// ---- closing ----

static void test_pool_close_ends_queued_and_sent_queries_after_the_call(void **state) {
    (void)state;
    struct db_pool_options options = default_options;
    options.connections = 1;
    open_pool(&options);
    run_until_ready(1);
    PGconn *other = hold_lock();
    static struct call calls[100];
    for (int i = 0; i < 100; i++) {
        init_call(&calls[i], &wait_for_lock, 1);
        submit(&calls[i]);
    }
    (void)uv_run(&fixture.loop, UV_RUN_NOWAIT);
    struct db_pool *pool = fixture.pool;
    fixture.pool = NULL;
    db_pool_close(pool, NULL);
    for (int i = 0; i < 100; i++)
        assert_int_equal(calls[i].calls, 0);
    struct call late;
    init_call(&late, &echo, 1);
    assert_int_equal(db_pool_submit(pool, &late.query), GW_UNAVAILABLE);
    assert_int_equal(uv_run(&fixture.loop, UV_RUN_DEFAULT), 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(calls[i].calls, 1);
        assert_int_equal(calls[i].status, GW_UNAVAILABLE);
    }
    PQfinish(other);
}

static void close_from_callback(struct call *call) {
    (void)call;
    struct db_pool *pool = fixture.pool;
    fixture.pool = NULL;
    db_pool_close(pool, NULL);
}

static void test_pool_closes_from_inside_a_callback(void **state) {
    (void)state;
    struct db_pool_options options = default_options;
    options.connections = 1;
    open_pool(&options);
    struct call calls[5];
    for (int i = 0; i < 5; i++) {
        init_call(&calls[i], &echo, i);
        submit(&calls[i]);
    }
    calls[2].then = close_from_callback;
    assert_int_equal(uv_run(&fixture.loop, UV_RUN_DEFAULT), 0);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(calls[i].calls, 1);
        assert_int_equal(calls[i].status, i <= 2 ? GW_OK : GW_UNAVAILABLE);
    }
}

static void test_pool_closes_while_it_connects(void **state) {
    (void)state;
    open_pool(&default_options);
    (void)uv_run(&fixture.loop, UV_RUN_NOWAIT);
    close_pool();
}

// ---- connecting ----

static void test_pool_refuses_a_malformed_url(void **state) {
    (void)state;
    struct db_pool_options options = default_options;
    options.url = "postgres:/me:hunter2@host/db";
    struct db_pool *pool = NULL;
    assert_int_equal(db_pool_create(&fixture.loop, &options, &pool), GW_INVALID);
    assert_null(pool);
}

static void test_pool_tells_why_there_is_no_connection(void **state) {
    (void)state;
    struct db_pool_options options = default_options;
    options.url = "postgresql://me:hunter2@/x?host=/nonexistent";
    options.query_timeout_ms = 100;
    open_pool(&options);
    assert_int_equal(run_call(&echo, 1), GW_UNAVAILABLE);
    bool is_reached = true;
    const char *trouble = db_pool_trouble(fixture.pool, &is_reached);
    assert_non_null(trouble);
    assert_non_null(strstr(trouble, "/nonexistent"));
    assert_null(strstr(trouble, "hunter2"));
    assert_false(is_reached);
    assert_false(db_pool_is_ready(fixture.pool));
    close_pool();
}

static void test_pool_waits_for_the_schema_and_goes_on_by_itself(void **state) {
    (void)state;
    static const struct db_statement *const absent_statements[] = {&echo, &absent};
    struct db_pool_options options = default_options;
    options.statements = absent_statements;
    options.statement_count = 2;
    options.query_timeout_ms = 3000; // in which it has connected
    open_pool(&options);
    assert_int_equal(run_call(&absent, 1), GW_UNAVAILABLE);
    bool is_reached = false;
    assert_non_null(strstr(db_pool_trouble(fixture.pool, &is_reached), "absent"));
    assert_true(is_reached);
    test_execute(fixture.database.url, "create table absent as select 5::int8 n");
    run_until_ready(2);
    assert_int_equal(run_call(&absent, 5), GW_OK);
    // and loses it again
    test_execute(fixture.database.url, "drop table absent");
    assert_int_equal(run_call(&absent, 5), GW_UNAVAILABLE);
    assert_true(stats_of().disconnects_total >= 1);
    close_pool();
}

static void test_pool_leaves_a_server_that_became_read_only(void **state) {
    (void)state;
    static const struct db_statement write = {"write", "insert into noted values ($1::int8)", 1,
                                              DB_STATEMENT_READ};
    static const struct db_statement *const write_statements[] = {&write};
    test_execute(fixture.database.url, "create table noted (n int8 unique)");
    struct db_pool_options options = default_options;
    options.connections = 1;
    options.statements = write_statements;
    options.statement_count = 1;
    open_pool(&options);
    assert_int_equal(run_call(&write, 1), GW_OK);
    assert_int_equal(run_call(&write, 1), GW_CONFLICT);
    char sql[128];
    (void)snprintf(sql, sizeof(sql), "alter database %s set default_transaction_read_only = on;",
                   fixture.database.name);
    test_execute(fixture.database.url, sql);
    test_execute(fixture.database.url, "select pg_terminate_backend(pid) from pg_stat_activity"
                                       " where datname = current_database()"
                                       " and pid <> pg_backend_pid()");
    run_until_connects(2);
    uint64_t disconnects = stats_of().disconnects_total;
    assert_int_equal(run_call(&write, 2), GW_UNAVAILABLE);
    assert_int_equal(stats_of().disconnects_total, disconnects + 1);
    close_pool();
}

static void test_pool_takes_the_next_host_of_a_url(void **state) {
    (void)state;
    const char *directory = strstr(fixture.database.url, "host=");
    assert_non_null(directory);
    char url[512];
    (void)snprintf(url, sizeof(url),
                   "postgresql://tester@/%s?host=/nonexistent,%s&target_session_attrs=read-write",
                   fixture.database.name, directory + strlen("host="));
    struct db_pool_options options = default_options;
    options.url = url;
    open_pool(&options);
    assert_int_equal(run_call(&echo, 1), GW_OK);
    close_pool();
}

static void accept_and_say_nothing(uv_stream_t *listener, int status) {
    (void)listener;
    (void)status;
}

static void test_pool_goes_past_a_host_that_accepts_and_says_nothing(void **state) {
    (void)state;
    uv_tcp_t silent;
    struct sockaddr_in address;
    int length = sizeof(address);
    assert_int_equal(uv_tcp_init(&fixture.loop, &silent), 0);
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &address), 0);
    assert_int_equal(uv_tcp_bind(&silent, (const struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&silent, 16, accept_and_say_nothing), 0);
    assert_int_equal(uv_tcp_getsockname(&silent, (struct sockaddr *)&address, &length), 0);
    const char *directory = strstr(fixture.database.url, "host=");
    assert_non_null(directory);
    char url[512];
    (void)snprintf(url, sizeof(url), "user=tester dbname=%s host=127.0.0.1,%s port=%d,5432",
                   fixture.database.name, directory + strlen("host="), ntohs(address.sin_port));
    struct db_pool_options options = default_options;
    options.url = url;
    options.connect_timeout_ms = 1000;
    open_pool(&options);
    assert_int_equal(run_call(&echo, 1), GW_OK);
    uv_close((uv_handle_t *)&silent, NULL);
    close_pool();
}

// ---- behind a pooler that keeps no prepared statements ----

// What PgBouncer does by handing the next transaction to another server.
static void test_pool_sends_again_what_the_server_does_not_know_by_name(void **state) {
    (void)state;
    static const struct db_statement lose = {"lose", "deallocate all", 0, DB_STATEMENT_READ};
    static const struct db_statement *const lost_statements[] = {&echo, &lose};
    struct db_pool_options options = default_options;
    options.connections = 1;
    options.statements = lost_statements;
    options.statement_count = 2;
    open_pool(&options);
    struct call calls[6];
    for (int i = 0; i < 6; i++) {
        init_call(&calls[i], i == 1 ? &lose : &echo, i);
        submit(&calls[i]);
    }
    for (int i = 0; i < 6; i++)
        test_run_until(&fixture.loop, &calls[i].is_done);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(calls[i].status, GW_OK);
        assert_int_equal(calls[i].value, i == 1 ? -1 : i);
    }
    assert_int_equal(run_call(&echo, 7), GW_OK);
    assert_int_equal(stats_of().disconnects_total, 0);
    close_pool();
    for (int i = 0; i < 6; i++)
        assert_int_equal(calls[i].calls, 1);
}

// Somebody else prepared them on the server that this connection meets first.
static void test_pool_goes_on_where_its_statements_are_there_already(void **state) {
    (void)state;
    static const struct db_statement *const doubled_statements[] = {&echo, &echo};
    struct db_pool_options options = default_options;
    options.statements = doubled_statements;
    options.statement_count = 2;
    open_pool(&options);
    run_until_ready(2);
    assert_int_equal(run_call(&echo, 7), GW_OK);
    assert_int_equal(stats_of().disconnects_total, 0);
    close_pool();
}

static void test_pool_waits_for_the_schema_without_prepared_statements_too(void **state) {
    (void)state;
    static const struct db_statement missing = {
        "missing", "select n from missing where n = $1::int8", 1, DB_STATEMENT_READ};
    static const struct db_statement *const doubled_statements[] = {&echo, &echo, &missing};
    struct db_pool_options options = default_options;
    options.statements = doubled_statements;
    options.statement_count = 3;
    options.query_timeout_ms = 300;
    open_pool(&options);
    assert_int_equal(run_call(&echo, 1), GW_UNAVAILABLE);
    bool is_reached = false;
    assert_non_null(strstr(db_pool_trouble(fixture.pool, &is_reached), "migrate"));
    test_execute(fixture.database.url, "create table missing as select 5::int8 n");
    run_until_ready(2);
    assert_int_equal(run_call(&missing, 5), GW_OK);
    close_pool();
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_loop, close_loop)
        TEST(test_pool_gives_each_query_its_own_answer_once),
        TEST(test_pool_error_in_the_middle_of_a_pipeline_hurts_nothing_else),
        TEST(test_pool_takes_a_query_from_inside_a_callback),
        TEST(test_pool_queues_when_all_connections_are_busy),
        TEST(test_pool_spreads_queries_over_its_connections),
        TEST(test_pool_refuses_what_the_queue_cannot_hold),
        TEST(test_pool_ends_a_queued_query_at_its_deadline),
        TEST(test_pool_drops_a_connection_that_does_not_answer_in_time),
        TEST(test_pool_never_calls_a_cancelled_query),
        TEST(test_pool_cancels_a_query_from_the_callback_of_another),
        TEST(test_pool_close_ends_queued_and_sent_queries_after_the_call),
        TEST(test_pool_closes_from_inside_a_callback),
        TEST(test_pool_closes_while_it_connects),
        TEST(test_pool_refuses_a_malformed_url),
        TEST(test_pool_tells_why_there_is_no_connection),
        TEST(test_pool_waits_for_the_schema_and_goes_on_by_itself),
        TEST(test_pool_leaves_a_server_that_became_read_only),
        TEST(test_pool_takes_the_next_host_of_a_url),
        TEST(test_pool_goes_past_a_host_that_accepts_and_says_nothing),
        TEST(test_pool_sends_again_what_the_server_does_not_know_by_name),
        TEST(test_pool_goes_on_where_its_statements_are_there_already),
        TEST(test_pool_waits_for_the_schema_without_prepared_statements_too),
#undef TEST
    };
    (void)test_postgres_server();
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
