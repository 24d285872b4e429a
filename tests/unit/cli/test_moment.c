// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/moment.h"

#define NOW_MS INT64_C(1700000000000)

static int64_t parse(const char *text) {
    int64_t moment_ms = -1;
    if (cli_moment_parse(gw_str_from(text), NOW_MS, &moment_ms) != GW_OK)
        fail_msg("%s is refused", text);
    return moment_ms;
}

static void test_moments_are_ages_dates_and_times(void **state) {
    (void)state;
    assert_true(parse("7d") == NOW_MS - INT64_C(7) * 86400000);
    assert_true(parse("15m") == NOW_MS - 900000);
    assert_true(parse("90000d") == 0); // before 1970
    assert_true(parse("2023-11-14") == INT64_C(1699920000000));
    assert_true(parse("2023-11-14T22:13:20Z") == NOW_MS);
    assert_true(parse("2023-11-14T23:13:20+01:00") == NOW_MS);
}

static void test_what_is_no_moment(void **state) {
    (void)state;
    static const char *const cases[] = {"",          "7",          "d",         "-7d",
                                        "yesterday", "2023-11-31", "14.11.2023"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t moment_ms;
        if (cli_moment_parse(gw_str_from(cases[i]), NOW_MS, &moment_ms) == GW_OK)
            fail_msg("%s is accepted", cases[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moments_are_ages_dates_and_times),
        cmocka_unit_test(test_what_is_no_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
