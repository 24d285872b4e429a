// SPDX-License-Identifier: MIT
// Proves of db/sql_error.c: which errors are knowledge, which are an outage, and which cost the
// connection.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/sql_error.h"

static void assert_judged(const char *sqlstate, enum gw_status status, bool drops_connection) {
    struct db_sql_error error = db_sql_error_judge(sqlstate);
    if (error.status != status || error.drops_connection != drops_connection)
        fail_msg("%s: status %s, drops %d", sqlstate == NULL ? "NULL" : sqlstate,
                 gw_status_text(error.status), error.drops_connection);
}

static void test_sql_error_tells_conflict_outage_and_mistake_apart(void **state) {
    (void)state;
    assert_judged("23505", GW_CONFLICT, false);
    assert_judged("23514", GW_INVALID, false);
    assert_judged("22021", GW_INVALID, false);
    assert_judged("53300", GW_UNAVAILABLE, false);
    assert_judged("40P01", GW_BUSY, false);
    assert_judged("40001", GW_BUSY, false);
    assert_judged("55P03", GW_BUSY, false);
    assert_judged("40003", GW_UNAVAILABLE, false);
    assert_judged("57014", GW_BUSY, false);
}

static void test_sql_error_drops_the_connection_of_a_lost_or_demoted_server(void **state) {
    (void)state;
    const char *states[] = {"08006", "08P01", "57P01", "57P02", "57P03", "25006",
                            "42P01", "42703", "3F000", "0A000", "26000"};
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        assert_judged(states[i], GW_UNAVAILABLE, true);
}

static void test_sql_error_without_a_state_is_a_lost_connection(void **state) {
    (void)state;
    assert_judged(NULL, GW_UNAVAILABLE, true);
    assert_judged("", GW_UNAVAILABLE, true);
    assert_judged("0800", GW_UNAVAILABLE, true);
}

static void test_sql_error_sentence_is_one_line_that_fits(void **state) {
    (void)state;
    char out[16];
    db_sql_error_sentence("one\n\ttwo\n", out, sizeof(out));
    assert_string_equal(out, "one;  two");
    db_sql_error_sentence("\x1B[31mred", out, sizeof(out));
    assert_string_equal(out, " [31mred");
    db_sql_error_sentence("a text that is too long", out, sizeof(out));
    assert_string_equal(out, "a text that is ");
    db_sql_error_sentence(NULL, out, sizeof(out));
    assert_string_equal(out, "unknown reason");
    db_sql_error_sentence("", out, sizeof(out));
    assert_string_equal(out, "unknown reason");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sql_error_tells_conflict_outage_and_mistake_apart),
        cmocka_unit_test(test_sql_error_drops_the_connection_of_a_lost_or_demoted_server),
        cmocka_unit_test(test_sql_error_without_a_state_is_a_lost_connection),
        cmocka_unit_test(test_sql_error_sentence_is_one_line_that_fits),
    };
    return cmocka_run_group_tests_name("sql_error", tests, NULL, NULL);
}
