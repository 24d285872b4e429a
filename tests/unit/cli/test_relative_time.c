// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/relative_time.h"

#define NOW_MS INT64_C(1769860800000)
#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

static void assert_shown(int64_t age_ms, const char *wanted) {
    char text[CLI_RELATIVE_TIME_BYTES_MAX];
    cli_relative_time_ago(NOW_MS - age_ms, NOW_MS, text);
    assert_string_equal(text, wanted);
}

static void test_relative_time_under_a_minute_is_just_now(void **state) {
    (void)state;
    assert_shown(0, "just now");
    assert_shown(MINUTE_MS - 1, "just now");
}

static void test_relative_time_ahead_of_the_clock_is_just_now(void **state) {
    (void)state;
    assert_shown(-1, "just now");
    assert_shown(-400 * DAY_MS, "just now");
}

static void test_relative_time_rounds_down_to_the_largest_unit(void **state) {
    (void)state;
    assert_shown(MINUTE_MS, "1 minute ago");
    assert_shown(2 * MINUTE_MS - 1, "1 minute ago");
    assert_shown(59 * MINUTE_MS, "59 minutes ago");
    assert_shown(HOUR_MS, "1 hour ago");
    assert_shown(2 * HOUR_MS + 59 * MINUTE_MS, "2 hours ago");
    assert_shown(DAY_MS - 1, "23 hours ago");
    assert_shown(DAY_MS, "1 day ago");
    assert_shown(3 * DAY_MS, "3 days ago");
    assert_shown(29 * DAY_MS, "29 days ago");
    assert_shown(30 * DAY_MS, "1 month ago");
    assert_shown(61 * DAY_MS, "2 months ago");
    assert_shown(365 * DAY_MS, "1 year ago");
    assert_shown(800 * DAY_MS, "2 years ago");
}

static void assert_ahead(int64_t ahead_ms, const char *wanted) {
    char text[CLI_RELATIVE_TIME_BYTES_MAX];
    cli_relative_time_ahead(NOW_MS + ahead_ms, NOW_MS, text);
    assert_string_equal(text, wanted);
}

static void test_relative_time_says_how_far_ahead(void **state) {
    (void)state;
    assert_ahead(-DAY_MS, "now");
    assert_ahead(MINUTE_MS - 1, "now");
    assert_ahead(MINUTE_MS, "in 1 minute");
    assert_ahead(6 * DAY_MS - 1, "in 5 days");
    assert_ahead(90 * DAY_MS - 1, "in 89 days");
    assert_ahead(800 * DAY_MS, "in 800 days");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_relative_time_under_a_minute_is_just_now),
        cmocka_unit_test(test_relative_time_ahead_of_the_clock_is_just_now),
        cmocka_unit_test(test_relative_time_rounds_down_to_the_largest_unit),
        cmocka_unit_test(test_relative_time_says_how_far_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
