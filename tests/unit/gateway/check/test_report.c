// SPDX-License-Identifier: MIT
// Proves of gateway/check/report.c: what fails a check, the lines, the JSON, and that no text can
// command a terminal.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "gateway/check/report.h"

static struct gw_check_report report;
static struct gw_buf out;

static int clear(void **state) {
    (void)state;
    report.count = 0;
    gw_buf_init(&out, 1048576);
    return 0;
}

static int release(void **state) {
    (void)state;
    gw_buf_deinit(&out);
    return 0;
}

static void assert_written(const char *wanted) {
    assert_int_equal(gw_buf_append(&out, "", 1), GW_OK);
    assert_string_equal(gw_buf_bytes(&out).at, wanted);
}

static void test_errors_alone_fail_it(void **state) {
    (void)state;
    gw_check_add(&report, GW_CHECK_OK, "a", NULL, "fine");
    gw_check_add(&report, GW_CHECK_WARNING, "a", NULL, "not so fine");
    assert_false(gw_check_has_failed(&report));
    gw_check_add(&report, GW_CHECK_ERROR, "a", NULL, "bad");
    assert_true(gw_check_has_failed(&report));
}

static void test_each_is_a_line_with_what_to_do(void **state) {
    (void)state;
    gw_check_add(&report, GW_CHECK_OK, "role", NULL, "%s may", "gw");
    gw_check_add(&report, GW_CHECK_ERROR, "schema", "run migrate", "is at %d", 3);
    assert_int_equal(gw_check_report_write(&report, &out), GW_OK);
    assert_written("ok       role         gw may\n"
                   "error    schema       is at 3; run migrate\n");
}

static void test_foreign_text_stays_in_its_line(void **state) {
    (void)state;
    gw_check_add(&report, GW_CHECK_OK, "role", NULL, "a\nb\x1b[31m");
    assert_int_equal(gw_check_report_write(&report, &out), GW_OK);
    assert_written("ok       role         a b [31m\n");
}

static void test_as_json(void **state) {
    (void)state;
    struct gw_json_writer json;
    gw_check_add(&report, GW_CHECK_WARNING, "role", "run grants", "says \"no\"");
    gw_check_add(&report, GW_CHECK_OK, "schema", NULL, "fine");
    gw_json_writer_init(&json, &out);
    gw_check_report_write_json(&report, &json);
    assert_int_equal(gw_json_writer_finish(&json), GW_OK);
    assert_written("[{\"status\":\"warning\",\"subject\":\"role\",\"text\":\"says \\\"no\\\"\","
                   "\"todo\":\"run grants\"},"
                   "{\"status\":\"ok\",\"subject\":\"schema\",\"text\":\"fine\",\"todo\":null}]");
}

static void test_more_than_fit_take_the_place_of_the_last(void **state) {
    (void)state;
    for (int i = 0; i < GW_CHECK_FINDINGS_MAX + 2; i++)
        gw_check_add(&report, GW_CHECK_OK, "a", NULL, "%d", i);
    assert_int_equal(report.count, GW_CHECK_FINDINGS_MAX);
    char last[8];
    (void)snprintf(last, sizeof(last), "%d", GW_CHECK_FINDINGS_MAX + 1);
    assert_string_equal(report.at[GW_CHECK_FINDINGS_MAX - 1].text, last);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_errors_alone_fail_it, clear, release),
        cmocka_unit_test_setup_teardown(test_each_is_a_line_with_what_to_do, clear, release),
        cmocka_unit_test_setup_teardown(test_foreign_text_stays_in_its_line, clear, release),
        cmocka_unit_test_setup_teardown(test_as_json, clear, release),
        cmocka_unit_test_setup_teardown(test_more_than_fit_take_the_place_of_the_last, clear,
                                        release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
