// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/expiry.h"

#define NOW_MS INT64_C(1769860800000) // 2026-01-31T12:00:00Z
#define HOUR_MS (INT64_C(60) * 60 * 1000)
#define DAY_MS (24 * HOUR_MS)

static void assert_expires(const char *text, int64_t wanted_ms) {
    int64_t expires_ms = 0;
    assert_int_equal(cli_expiry_parse(gw_str_from(text), NOW_MS, &expires_ms), GW_OK);
    assert_int_equal(expires_ms, wanted_ms);
}

static void assert_status(const char *text, enum gw_status wanted) {
    int64_t expires_ms = -7;
    assert_int_equal(cli_expiry_parse(gw_str_from(text), NOW_MS, &expires_ms), wanted);
    assert_int_equal(expires_ms, -7);
}

static void test_expiry_counts_a_duration_from_now(void **state) {
    (void)state;
    assert_expires("12h", NOW_MS + 12 * HOUR_MS);
    assert_expires("90d", NOW_MS + 90 * DAY_MS);
    assert_expires("36500d", NOW_MS + 36500 * DAY_MS);
}

static void test_expiry_takes_a_date_as_its_first_moment(void **state) {
    (void)state;
    assert_expires("2026-02-01", NOW_MS + 12 * HOUR_MS);
}

static void test_expiry_takes_a_time_of_any_zone(void **state) {
    (void)state;
    assert_expires("2026-01-31T13:00:00Z", NOW_MS + HOUR_MS);
    assert_expires("2026-01-31T16:00:00+03:00", NOW_MS + HOUR_MS);
}

static void test_expiry_tells_past_far_and_malformed_apart(void **state) {
    (void)state;
    assert_status("2026-01-31T12:00:00Z", GW_CONFLICT);
    assert_status("2026-01-31", GW_CONFLICT);
    assert_status("36501d", GW_TOO_BIG);
    assert_status("99999999999999999999d", GW_TOO_BIG);
    assert_status("99999999999999d", GW_TOO_BIG);
    assert_status("9999-12-31", GW_TOO_BIG);
    static const char *const malformed[] = {
        "",           "0d",       "-1d", "90",          "1w",         "never",
        "2026-02-30", "2026-1-1", "d",   "2026-02-01T", "2026-02-0x", "2026-02-01T12:00:00",
    };
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
        assert_status(malformed[i], GW_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expiry_counts_a_duration_from_now),
        cmocka_unit_test(test_expiry_takes_a_date_as_its_first_moment),
        cmocka_unit_test(test_expiry_takes_a_time_of_any_zone),
        cmocka_unit_test(test_expiry_tells_past_far_and_malformed_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
