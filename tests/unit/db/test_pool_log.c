// SPDX-License-Identifier: MIT
// Proves of db/pool_log.c: a statement that the server refuses again and again is one line, and one
// when it runs again. The lines are those of this program's stderr.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/pool_log.h"

static const struct db_statement note = {"note", "select 1", 0, DB_STATEMENT_NOTE};
static const struct db_statement change = {"change", "select 2", 0, DB_STATEMENT_CHANGE};

// In place of libpq's: the error of a test is its SQLSTATE.
char *PQresultErrorField(const PGresult *result, int field) {
    return result != NULL && field == PG_DIAG_SQLSTATE ? (char *)result : NULL;
}

static const PGresult *error_of(const char *sqlstate) {
    return (const PGresult *)sqlstate;
}

static struct {
    struct db_pool_log log;
    int fd; // of stderr, before
    FILE *lines;
    long read_to;
} world;

static int redirect(void **state) {
    (void)state;
    memset(&world.log, 0, sizeof(world.log));
    world.read_to = 0;
    world.lines = tmpfile();
    assert_non_null(world.lines);
    world.fd = dup(STDERR_FILENO);
    assert_true(dup2(fileno(world.lines), STDERR_FILENO) >= 0);
    return 0;
}

static int restore(void **state) {
    (void)state;
    assert_true(dup2(world.fd, STDERR_FILENO) >= 0);
    (void)close(world.fd);
    (void)fclose(world.lines);
    return 0;
}

// Since the last call; `wanted` is in the last of them.
static void assert_lines(int count, const char *wanted) {
    char line[1024] = "";
    int found = 0;
    (void)fseek(world.lines, world.read_to, SEEK_SET);
    while (fgets(line, sizeof(line), world.lines) != NULL)
        found++;
    world.read_to = ftell(world.lines);
    assert_int_equal(found, count);
    if (wanted != NULL)
        assert_non_null(strstr(line, wanted));
}

static void test_a_refusal_that_repeats_is_one_line_and_its_end_another(void **state) {
    (void)state;
    for (uint64_t now_ms = 1000; now_ms < 3600 * 1000; now_ms += 1000)
        db_pool_log_error(&world.log, &note, error_of("53100"), now_ms);
    assert_lines(1, "statement refused statement=note sqlstate=53100");
    db_pool_log_success(&world.log, &change);
    assert_lines(0, NULL);
    db_pool_log_success(&world.log, &note);
    assert_lines(1, "statement runs again statement=note sqlstate=53100 refused=3599");
    db_pool_log_success(&world.log, &note);
    assert_lines(0, NULL);
    assert_int_equal(world.log.running, 0);
}

static void test_other_refusals_are_other_lines(void **state) {
    (void)state;
    db_pool_log_error(&world.log, &note, NULL, 1000); // of the connection
    assert_lines(0, NULL);
    db_pool_log_error(&world.log, &note, error_of("53100"), 1000);
    db_pool_log_error(&world.log, &change, error_of("53100"), 1000);
    db_pool_log_error(&world.log, &change, error_of("42501"), 1000);
    assert_lines(3, "statement=change sqlstate=42501");
    db_pool_log_success(&world.log, &change); // one each: that was the client's
    assert_lines(0, NULL);
}

// Where some are refused and some are not, as on a disk that is about to be full.
static void test_a_refusal_between_others_is_no_new_line(void **state) {
    (void)state;
    for (uint64_t now_ms = 1000; now_ms < 600 * 1000; now_ms += 1000) {
        db_pool_log_error(&world.log, &note, error_of("53100"), now_ms);
        db_pool_log_success(&world.log, &note);
    }
    assert_lines(1, NULL);
    db_pool_log_error(&world.log, &note, error_of("53100"),
                      600 * 1000 + DB_POOL_LOG_QUIET_MS); // much later
    assert_lines(1, "statement refused");
}

static void test_more_kinds_than_there_is_room_for(void **state) {
    (void)state;
    for (int i = 0; i < 3 * DB_POOL_LOG_MAX; i++) {
        char sqlstate[DB_SQLSTATE_LENGTH + 1] = "53000";
        sqlstate[3] = (char)('0' + i / 10);
        sqlstate[4] = (char)('0' + i % 10);
        db_pool_log_error(&world.log, &note, error_of(sqlstate), 1000 + (uint64_t)i);
    }
    assert_lines(3 * DB_POOL_LOG_MAX, NULL);
    assert_int_equal(world.log.running, DB_POOL_LOG_MAX);
    db_pool_log_success(&world.log, &note);
    assert_int_equal(world.log.running, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, redirect, restore)
        TEST(test_a_refusal_that_repeats_is_one_line_and_its_end_another),
        TEST(test_other_refusals_are_other_lines),
        TEST(test_a_refusal_between_others_is_no_new_line),
        TEST(test_more_kinds_than_there_is_room_for),
#undef TEST
    };
    return cmocka_run_group_tests_name("pool_log", tests, NULL, NULL);
}
