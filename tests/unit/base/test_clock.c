// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <time.h>

#include "base/clock.h"

#define MS_PER_DAY INT64_C(86400000)
#define YEAR_0000_MS INT64_C(-62167219200000)
#define YEAR_9999_LAST_MS INT64_C(253402300799999)

static void assert_iso(int64_t wall_ms, const char *expected) {
    char out[GW_CLOCK_ISO_LENGTH + 2] = "";
    out[GW_CLOCK_ISO_LENGTH] = '#'; // must stay
    gw_clock_format_iso(wall_ms, out);
    assert_int_equal(out[GW_CLOCK_ISO_LENGTH], '#');
    out[GW_CLOCK_ISO_LENGTH] = '\0';
    assert_string_equal(out, expected);
}

static void test_iso_format_shows_utc_and_milliseconds(void **state) {
    (void)state;
    assert_iso(0, "1970-01-01T00:00:00.000Z");
    assert_iso(-1, "1969-12-31T23:59:59.999Z");
    assert_iso(1769860800123, "2026-01-31T12:00:00.123Z");
    assert_iso(951782400000, "2000-02-29T00:00:00.000Z");
    assert_iso(YEAR_0000_MS, "0000-01-01T00:00:00.000Z");
    assert_iso(YEAR_9999_LAST_MS, "9999-12-31T23:59:59.999Z");
}

static void test_iso_milliseconds_alone_make_another_time_of_the_same_second(void **state) {
    (void)state;
    static const int64_t seconds[] = {0, -1, -86400, 1769860800};
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        char out[GW_CLOCK_ISO_LENGTH];
        char whole[GW_CLOCK_ISO_LENGTH];
        gw_clock_format_iso(seconds[i] * 1000 + 500, out);
        for (int ms = 0; ms < 1000; ms++) {
            gw_clock_format_iso(seconds[i] * 1000 + ms, whole);
            gw_clock_format_iso_ms(seconds[i] * 1000 + ms, out);
            assert_memory_equal(out, whole, sizeof(out));
        }
    }
}

static void test_iso_format_clamps_years_of_more_digits(void **state) {
    (void)state;
    assert_iso(INT64_MIN, "0000-01-01T00:00:00.000Z");
    assert_iso(YEAR_0000_MS - 1, "0000-01-01T00:00:00.000Z");
    assert_iso(YEAR_9999_LAST_MS + 1, "9999-12-31T23:59:59.999Z");
    assert_iso(INT64_MAX, "9999-12-31T23:59:59.999Z");
}

// The calendar repeats after 400 years: every day of the first and of the last 400, and of those
// between them a day in each month.
static int64_t next_day_to_try(int64_t ms) {
    const int64_t cycle_ms = 146097 * MS_PER_DAY;
    bool is_between = ms >= YEAR_0000_MS + cycle_ms && ms < YEAR_9999_LAST_MS - cycle_ms;
    return ms + (is_between ? 28 : 1) * MS_PER_DAY;
}

static void test_formats_agree_with_the_c_library_on_the_days_of_ten_thousand_years(void **state) {
    (void)state;
    for (int64_t ms = YEAR_0000_MS; ms < YEAR_9999_LAST_MS; ms = next_day_to_try(ms)) {
        time_t seconds = (time_t)(ms / 1000);
        struct tm tm;
        char expected[40];
        char actual[40] = "";
        int64_t parsed = 0;
        assert_non_null(gmtime_r(&seconds, &tm));
        (void)strftime(expected, sizeof(expected), "-%m-%dT%H:%M:%S.000Z", &tm);
        gw_clock_format_iso(ms, actual);
        assert_string_equal(actual + 4, expected);
        assert_int_equal(gw_clock_parse_iso(gw_str(actual, GW_CLOCK_ISO_LENGTH), &parsed), GW_OK);
        assert_true(parsed == ms);
        (void)strftime(expected, sizeof(expected), "%a, %d %b ", &tm);
        gw_clock_format_http(ms, actual);
        assert_memory_equal(actual, expected, strlen(expected));
    }
}

static void test_http_format_is_the_example_of_rfc_9110(void **state) {
    (void)state;
    char out[GW_CLOCK_HTTP_LENGTH + 1];
    out[GW_CLOCK_HTTP_LENGTH] = '#';
    gw_clock_format_http(784111777000, out);
    assert_memory_equal(out, "Sun, 06 Nov 1994 08:49:37 GMT#", sizeof(out));
    gw_clock_format_http(784111777999, out);
    assert_memory_equal(out, "Sun, 06 Nov 1994 08:49:37 GMT#", sizeof(out));
}

static void test_iso_parse_takes_every_form_of_rfc_3339(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t wall_ms;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01 00:00:00Z", 0},
        {"1970-01-01T00:00:00.5Z", 500},
        {"1970-01-01T00:00:00.123456789Z", 123},
        {"1970-01-01T00:00:00.0009Z", 0},
        {"1970-01-01T02:30:00+02:30", 0},
        {"1969-12-31T16:00:00-08:00", 0},
        {"1970-01-01T00:00:00-00:00", 0},
        {"1969-12-31T23:59:59.999Z", -1},
        {"2000-02-29T00:00:00Z", 951782400000},
        {"2016-12-31T23:59:60Z", 1483228800000},
        {"2016-12-31T23:59:60.7Z", 1483228800000},
        {"0000-01-01T00:00:00Z", YEAR_0000_MS},
        {"9999-12-31T23:59:59.999Z", YEAR_9999_LAST_MS},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t wall_ms = 42;
        if (gw_clock_parse_iso(gw_str_from(cases[i].text), &wall_ms) != GW_OK)
            fail_msg("refused: %s", cases[i].text);
        if (wall_ms != cases[i].wall_ms)
            fail_msg("%s gave %lld", cases[i].text, (long long)wall_ms);
    }
}

static void test_iso_parse_refuses_impossible_times(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "2026",
        "2026-01-31",
        "2026-01-31T12:00Z",
        "2026-01-31T12:00:00",
        "2026-01-31T12:00:00Zx",
        " 2026-01-31T12:00:00Z",
        "2026-1-31T12:00:00Z",
        "26-01-31T12:00:00Z",
        "+2026-01-31T12:00:00Z",
        "2026-00-31T12:00:00Z",
        "2026-13-31T12:00:00Z",
        "2026-01-00T12:00:00Z",
        "2026-01-32T12:00:00Z",
        "2026-04-31T12:00:00Z",
        "2026-02-29T12:00:00Z",
        "1900-02-29T12:00:00Z",
        "2026-01-31X12:00:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T12:60:00Z",
        "2026-01-31T12:00:61Z",
        "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00.1234567890Z",
        "2026-01-31T12:00:00,5Z",
        "2026-01-31T12:00:00+24:00",
        "2026-01-31T12:00:00+01:60",
        "2026-01-31T12:00:00+0100",
        "2026-01-31T12:00:00+01",
        "2026-01-31T12:00:0/Z",
        "9999-12-31T23:59:59-00:01", // in the year 10000
        "0000-01-01T00:00:00+00:01",
        "9999-12-31T23:59:60Z",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int64_t wall_ms = 42;
        if (gw_clock_parse_iso(gw_str_from(texts[i]), &wall_ms) != GW_INVALID)
            fail_msg("accepted: %s", texts[i]);
        assert_int_equal(wall_ms, 42);
    }
    int64_t wall_ms;
    assert_int_equal(gw_clock_parse_iso(GW_STR("2026-01-31\0"
                                               "12:00:00Z"),
                                        &wall_ms),
                     GW_INVALID);
}

static void test_durations_have_a_number_and_one_unit(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t ms;
    } cases[] = {
        {"90d", 7776000000}, {"24h", 86400000}, {"15m", 900000},
        {"30s", 30000},      {"5000ms", 5000},  {"213503982334d", 18446744073657600000U},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t ms = 0;
        assert_int_equal(gw_clock_parse_duration(gw_str_from(cases[i].text), &ms), GW_OK);
        assert_true(ms == cases[i].ms);
    }
}

static void test_durations_refuse_zero_and_everything_else(void **state) {
    (void)state;
    static const char *const texts[] = {"",    "5",    "s",  "0s",    "-5s", "+5s",  "5 s", " 5s",
                                        "5s ", "1.5h", "5S", "1h30m", "5w",  "5sec", "5mss"};
    uint64_t ms = 42;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (gw_clock_parse_duration(gw_str_from(texts[i]), &ms) != GW_INVALID)
            fail_msg("accepted: \"%s\"", texts[i]);
    }
    assert_int_equal(gw_clock_parse_duration(GW_STR("213503982335d"), &ms), GW_TOO_BIG);
    assert_int_equal(gw_clock_parse_duration(GW_STR("99999999999999999999ms"), &ms), GW_TOO_BIG);
    assert_int_equal(ms, 42);
}

static void test_both_clocks_run(void **state) {
    (void)state;
    uint64_t before = gw_clock_monotonic_ms();
    assert_true(gw_clock_monotonic_ms() >= before);
    int64_t wall_s = (int64_t)time(NULL);
    int64_t difference_s = gw_clock_wall_ms() / 1000 - wall_s;
    assert_true(difference_s >= -1 && difference_s <= 60);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iso_format_shows_utc_and_milliseconds),
        cmocka_unit_test(test_iso_milliseconds_alone_make_another_time_of_the_same_second),
        cmocka_unit_test(test_iso_format_clamps_years_of_more_digits),
        cmocka_unit_test(test_formats_agree_with_the_c_library_on_the_days_of_ten_thousand_years),
        cmocka_unit_test(test_http_format_is_the_example_of_rfc_9110),
        cmocka_unit_test(test_iso_parse_takes_every_form_of_rfc_3339),
        cmocka_unit_test(test_iso_parse_refuses_impossible_times),
        cmocka_unit_test(test_durations_have_a_number_and_one_unit),
        cmocka_unit_test(test_durations_refuse_zero_and_everything_else),
        cmocka_unit_test(test_both_clocks_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
