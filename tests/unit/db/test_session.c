// SPDX-License-Identifier: MIT
// Proves of db/session.c, on a real PostgreSQL: statements one after another, results of any size a
// row at a time, and a reason for each failure that holds no password.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "db/result.h"
#include "db/session.h"
#include "tests/support/postgres.h"

static struct test_database database;
static struct db_session session;

static const struct db_statement numbers = {
    .name = "numbers",
    .sql = "select n::int8 from generate_series(1, $1::int8) n",
    .parameter_count = 1,
};
static const struct db_statement setting = {
    .name = "setting",
    .sql = "select current_setting($1::text)",
    .parameter_count = 1,
};
static const struct db_statement wrong = {.name = "wrong", .sql = "select 1 / 0"};
static const struct db_statement no_schema = {.name = "none", .sql = "select * from skillreg.none"};
static const struct db_statement warn = {
    .name = "warn",
    .sql = "set local statement_timeout = 0", // outside of a transaction: a warning
};

static int open_session(void **state) {
    (void)state;
    test_database_open(&database);
    assert_int_equal(db_session_open(&session, database.url), GW_OK);
    return 0;
}

static int close_session(void **state) {
    (void)state;
    db_session_close(&session);
    return 0;
}

static enum gw_status run_alone(const struct db_statement *statement) {
    struct db_params params;
    const PGresult *result;
    db_params_init(&params);
    return db_session_run(&session, statement, &params, &result);
}

static void assert_setting(const char *name, const char *wanted) {
    struct db_params params;
    const PGresult *result;
    db_params_init(&params);
    db_put_text(&params, gw_str_from(name));
    assert_int_equal(db_session_run(&session, &setting, &params, &result), GW_OK);
    assert_true(gw_str_equal(db_get_bytes(result, 0, 0), gw_str_from(wanted)));
}

static void start_reading(int64_t count) {
    struct db_params params;
    db_params_init(&params);
    db_put_int8(&params, count);
    assert_int_equal(db_session_read(&session, &numbers, &params), GW_OK);
}

static void test_session_reads_rows_one_at_a_time(void **state) {
    (void)state;
    const PGresult *row;
    for (int64_t count = 0; count <= 2000; count += 2000) {
        start_reading(count);
        for (int64_t n = 1; n <= count; n++) {
            assert_int_equal(db_session_next(&session, &row), GW_OK);
            assert_int_equal(PQntuples(row), 1);
            assert_int_equal(db_get_int(row, 0, 0, 0), n);
        }
        assert_int_equal(db_session_next(&session, &row), GW_NOT_FOUND);
    }
}

static void test_session_leaves_no_transaction_and_no_setting_behind(void **state) {
    (void)state;
    const PGresult *row;
    test_execute(database.url, "do $$ begin execute format('alter database %I set statement_timeout"
                               " = %L', current_database(), '4s'); end $$");
    db_session_close(&session);
    assert_int_equal(db_session_open(&session, database.url), GW_OK);
    start_reading(1);
    assert_int_equal(db_session_next(&session, &row), GW_OK);
    assert_int_equal(db_session_next(&session, &row), GW_NOT_FOUND);
    assert_int_equal(PQtransactionStatus(session.pg), PQTRANS_IDLE);
    assert_setting("statement_timeout", "4s");
}

static void test_session_goes_on_after_a_failure(void **state) {
    (void)state;
    assert_int_equal(run_alone(&wrong), GW_INVALID);
    assert_string_equal(session.reason, "division by zero");
    assert_true(session.is_reached);
    assert_setting("server_encoding", "UTF8");
}

static void test_session_says_that_the_schema_is_missing(void **state) {
    (void)state;
    assert_int_equal(run_alone(&no_schema), GW_UNAVAILABLE);
    assert_true(session.is_reached);
    assert_non_null(strstr(session.reason, "run skillreg-gateway migrate"));
}

static void test_session_doubts_what_a_warning_takes_back(void **state) {
    (void)state;
    assert_int_equal(run_alone(&warn), GW_UNAVAILABLE);
    assert_non_null(strstr(session.reason, "did not confirm it"));
}

static void test_session_knows_a_connection_that_was_lost(void **state) {
    (void)state;
    char sql[128];
    (void)snprintf(sql, sizeof(sql), "select pg_terminate_backend(%d)", PQbackendPID(session.pg));
    test_execute(database.url, sql);
    assert_int_equal(run_alone(&wrong), GW_UNAVAILABLE);
    assert_false(session.is_reached);
}

static void test_session_says_why_there_is_none(void **state) {
    (void)state;
    struct db_session none;
    assert_int_equal(db_session_open(&none, "postgresql://me:hunter2@/x?host=/nonexistent"),
                     GW_UNAVAILABLE);
    assert_false(none.is_reached);
    assert_null(strstr(none.reason, "hunter2"));
    assert_true(none.reason[0] != '\0');
    assert_int_equal(db_session_open(&none, "nonsense"), GW_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_session, close_session)
        TEST(test_session_reads_rows_one_at_a_time),
        TEST(test_session_leaves_no_transaction_and_no_setting_behind),
        TEST(test_session_goes_on_after_a_failure),
        TEST(test_session_says_that_the_schema_is_missing),
        TEST(test_session_doubts_what_a_warning_takes_back),
        TEST(test_session_knows_a_connection_that_was_lost),
        TEST(test_session_says_why_there_is_none),
#undef TEST
    };
    (void)test_postgres_server();
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
