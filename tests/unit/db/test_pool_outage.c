// SPDX-License-Identifier: MIT
// Proves of db/pool.c on a server that is restarted, stopped, gone or full: under steady load every
// query is answered exactly once, an answer is right or "unavailable" and never anything else, and
// the pool is back by itself when the server is. The server is one of this program's own.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "db/result.h"
#include "tests/support/postgres.h"

#define CALLS 50
#define CONNECTIONS 3
#define QUERY_TIMEOUT_MS 600

static const struct db_statement echo = {"echo", "select $1::int8", 1, DB_STATEMENT_READ};
static const struct db_statement *const statements[] = {&echo};

static struct test_server server;

// Calls that start again as soon as they are answered, until is_stopping.
struct call {
    struct db_query query;
    struct load *load;
    bool is_in_flight;
    int64_t value;
};

struct load {
    uv_loop_t loop;
    struct db_pool *pool;
    struct call calls[CALLS];
    uv_timer_t pace;
    bool is_stopping;
    int in_flight;
    int64_t answered;
    int64_t unavailable;
};

static void on_done(struct db_query *query, enum gw_status status, const PGresult *result) {
    struct call *call = gw_container_of(query, struct call, query);
    struct load *load = call->load;
    assert_true(call->is_in_flight); // once
    call->is_in_flight = false;
    load->in_flight--;
    if (status == GW_OK) {
        assert_true(db_get_int(result, 0, 0, -1) == call->value); // its own answer
        load->answered++;
    } else {
        assert_int_equal(status, GW_UNAVAILABLE);
        load->unavailable++;
    }
}

static void start_call(struct call *call) {
    static int64_t next_value;
    call->value = next_value++;
    db_put_int8(db_query_start(&call->query, &echo, on_done), call->value);
    assert_int_equal(db_pool_submit(call->load->pool, &call->query), GW_OK);
    call->is_in_flight = true;
    call->load->in_flight++;
}

static void on_pace(uv_timer_t *timer) {
    struct load *load = gw_container_of(timer, struct load, pace);
    for (int i = 0; i < CALLS && !load->is_stopping; i++) {
        if (!load->calls[i].is_in_flight)
            start_call(&load->calls[i]);
    }
}

static int start_load(void **state) {
    static struct load load;
    memset(&load, 0, sizeof(load));
    assert_int_equal(uv_loop_init(&load.loop), 0);
    const struct db_pool_options options = {
        .url = server.url,
        .connections = CONNECTIONS,
        .queue_max = 1000,
        .query_timeout_ms = QUERY_TIMEOUT_MS,
        .connect_timeout_ms = 500,
        .statements = statements,
        .statement_count = 1,
    };
    assert_int_equal(db_pool_create(&load.loop, &options, &load.pool), GW_OK);
    for (int i = 0; i < CALLS; i++)
        load.calls[i].load = &load;
    assert_int_equal(uv_timer_init(&load.loop, &load.pace), 0);
    assert_int_equal(uv_timer_start(&load.pace, on_pace, 1, 1), 0);
    *state = &load;
    return 0;
}

static int stop_load(void **state) {
    struct load *load = *state;
    test_server_signal(&server, SIGCONT); // if the test failed
    load->is_stopping = true;
    uv_close((uv_handle_t *)&load->pace, NULL);
    db_pool_close(load->pool, NULL);
    test_loop_close(&load->loop);
    assert_int_equal(load->in_flight, 0); // none was forgotten
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

// Runs until *count has grown by `more`.
static void run_until_more(struct load *load, const int64_t *count, int64_t more) {
    int64_t wanted = *count + more;
    for (uint64_t until = uv_hrtime() + 60000000000ULL; *count < wanted && uv_hrtime() < until;)
        (void)uv_run(&load->loop, UV_RUN_ONCE);
    assert_true(*count >= wanted);
}

static void run_until_not_ready(struct load *load) {
    for (uint64_t until = uv_hrtime() + 60000000000ULL;
         db_pool_is_ready(load->pool) && uv_hrtime() < until;)
        (void)uv_run(&load->loop, UV_RUN_ONCE);
    assert_false(db_pool_is_ready(load->pool));
}

static int connections_ready(struct load *load) {
    struct db_pool_stats stats;
    db_pool_stats(load->pool, &stats);
    return stats.connections_ready;
}

static void run_until_all_are_ready(struct load *load) {
    for (uint64_t until = uv_hrtime() + 60000000000ULL;
         connections_ready(load) < CONNECTIONS && uv_hrtime() < until;)
        (void)uv_run(&load->loop, UV_RUN_ONCE);
    assert_int_equal(connections_ready(load), CONNECTIONS);
}

static void test_pool_outlives_a_restart_of_the_server(void **state) {
    struct load *load = *state;
    run_until_all_are_ready(load);
    test_server_control(&server, "restart");
    run_until_more(load, &load->answered, 500);
    struct db_pool_stats stats;
    db_pool_stats(load->pool, &stats);
    assert_true(stats.disconnects_total >= CONNECTIONS);
}

static void test_pool_outlives_the_end_of_its_sessions(void **state) {
    struct load *load = *state;
    for (int i = 0; i < 5; i++) {
        run_until_more(load, &load->answered, 200);
        test_execute(server.url, "select pg_terminate_backend(pid) from pg_stat_activity where"
                                 " backend_type = 'client backend' and pid <> pg_backend_pid()");
        run_until_more(load, &load->answered, 200);
    }
    struct db_pool_stats stats;
    db_pool_stats(load->pool, &stats);
    assert_true(stats.disconnects_total >= 5);
}

static void test_pool_answers_unavailable_while_the_server_is_stopped(void **state) {
    struct load *load = *state;
    run_until_more(load, &load->answered, 200);
    test_server_signal(&server, SIGSTOP);
    uint64_t start = uv_hrtime();
    run_until_more(load, &load->unavailable, CALLS);
    assert_true(uv_hrtime() - start < 50ULL * QUERY_TIMEOUT_MS * 1000000);
    run_until_not_ready(load);
    test_server_signal(&server, SIGCONT);
    run_until_more(load, &load->answered, 200);
    assert_true(db_pool_is_ready(load->pool));
}

// Idle connections to a machine that has frozen stay, and would each cost a statement.
static void test_pool_ends_idle_connections_to_a_silent_server(void **state) {
    struct load *load = *state;
    run_until_all_are_ready(load);
    load->is_stopping = true;
    while (load->in_flight > 0)
        (void)uv_run(&load->loop, UV_RUN_ONCE);
    test_server_signal(&server, SIGSTOP);
    start_call(&load->calls[0]);
    run_until_not_ready(load); // all of them
    assert_int_equal(connections_ready(load), 0);
    test_server_signal(&server, SIGCONT);
    load->is_stopping = false;
    run_until_more(load, &load->answered, 200);
}

static void test_pool_is_back_when_the_server_is(void **state) {
    struct load *load = *state;
    run_until_more(load, &load->answered, 200);
    test_server_control(&server, "halt");
    run_until_more(load, &load->unavailable, 2 * CALLS);
    run_until_not_ready(load);
    test_server_control(&server, "resume");
    run_until_more(load, &load->answered, 200);
}

static void test_pool_lives_with_a_server_that_has_no_more_connections(void **state) {
    struct load *load = *state;
    run_until_more(load, &load->answered, 200);
    test_execute(server.url, "create role crowd login connection limit 1");
    char url[320];
    (void)snprintf(url, sizeof(url), "%s&user=crowd", server.url);
    const struct db_pool_options options = {
        .url = url,
        .connections = CONNECTIONS,
        .queue_max = 10,
        .query_timeout_ms = QUERY_TIMEOUT_MS,
        .connect_timeout_ms = 500,
        .statements = statements,
        .statement_count = 1,
    };
    struct db_pool *steady = load->pool;
    struct db_pool *crowded = NULL;
    assert_int_equal(db_pool_create(&load->loop, &options, &crowded), GW_OK);
    load->is_stopping = true;
    for (uint64_t until = uv_hrtime() + 60000000000ULL;
         (!db_pool_is_ready(crowded) || load->in_flight > 0) && uv_hrtime() < until;)
        (void)uv_run(&load->loop, UV_RUN_ONCE);
    load->pool = crowded; // one of its three connections stands
    load->is_stopping = false;
    run_until_more(load, &load->answered, 200);
    struct db_pool_stats stats;
    db_pool_stats(crowded, &stats);
    assert_int_equal(stats.connections_ready, 1);
    db_pool_close(steady, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start_load, stop_load)
        TEST(test_pool_outlives_a_restart_of_the_server),
        TEST(test_pool_outlives_the_end_of_its_sessions),
        TEST(test_pool_answers_unavailable_while_the_server_is_stopped),
        TEST(test_pool_ends_idle_connections_to_a_silent_server),
        TEST(test_pool_is_back_when_the_server_is),
        TEST(test_pool_lives_with_a_server_that_has_no_more_connections),
#undef TEST
    };
    return cmocka_run_group_tests_name("pool_outage", tests, start_server, stop_server);
}
