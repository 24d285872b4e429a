// SPDX-License-Identifier: MIT
// Proves of gateway/operator/text.c: times to the minute, counts in groups of three, and names that
// stay in their line.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "db/time.h"
#include "gateway/operator/text.h"

static void test_a_time_is_told_to_the_minute(void **state) {
    (void)state;
    char out[GW_OPERATOR_TIME_LENGTH + 1];
    assert_string_equal(gw_operator_time_text(0, "never", out), "1970-01-01 00:00");
    assert_string_equal(gw_operator_time_text(DB_NO_TIME, "never", out), "never");
}

static void test_counts_are_grouped(void **state) {
    (void)state;
    char out[GW_OPERATOR_COUNT_LENGTH];
    assert_string_equal(gw_operator_count_text(0, out), "0");
    assert_string_equal(gw_operator_count_text(999, out), "999");
    assert_string_equal(gw_operator_count_text(1000, out), "1,000");
    assert_string_equal(gw_operator_count_text(1234567, out), "1,234,567");
    assert_string_equal(gw_operator_count_text(UINT64_MAX, out), "18,446,744,073,709,551,615");
    assert_string_equal(gw_operator_tokens_text(1, out), "1 live token");
    assert_string_equal(gw_operator_tokens_text(1200, out), "1,200 live tokens");
}

static void test_a_name_stays_in_its_line(void **state) {
    (void)state;
    struct gw_buf out;
    gw_buf_init(&out, 256);
    assert_int_equal(gw_operator_append_name(&out, GW_STR("a\x1b[2J\nb")), GW_OK);
    assert_int_equal(gw_operator_append_name(&out, GW_STR("")), GW_OK);
    assert_true(gw_str_equal(gw_buf_bytes(&out), GW_STR("a [2J b")));
    gw_buf_deinit(&out);
}

static void test_a_name_commands_no_runner(void **state) {
    (void)state;
    struct gw_buf out;
    gw_buf_init(&out, 256);
    assert_int_equal(gw_operator_append_name(&out, GW_STR("###vso[a]##[b]##12")), GW_OK);
    assert_true(gw_str_equal(gw_buf_bytes(&out), GW_STR("##\\#vso[a]#\\#[b]##12")));
    gw_buf_deinit(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_time_is_told_to_the_minute),
        cmocka_unit_test(test_counts_are_grouped),
        cmocka_unit_test(test_a_name_stays_in_its_line),
        cmocka_unit_test(test_a_name_commands_no_runner),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
