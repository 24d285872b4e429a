// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/expiry.h"

#define NOW_MS INT64_C(1769860800000) // 2026-01-31T12:00:00Z
#define HOUR_S INT64_C(3600)
#define DAY_S (24 * HOUR_S)

static struct cli_expiry parsed(const char *text) {
    struct cli_expiry expiry = {.kind = CLI_EXPIRY_NOT_GIVEN};
    assert_int_equal(cli_expiry_parse(gw_str_from(text), NOW_MS, &expiry), GW_OK);
    return expiry;
}

static void assert_length(const char *text, int64_t wanted_s) {
    assert_int_equal(parsed(text).kind, CLI_EXPIRY_AFTER);
    assert_int_equal(parsed(text).length_s, wanted_s);
}

static void assert_at(const char *text, int64_t wanted_ms) {
    assert_int_equal(parsed(text).kind, CLI_EXPIRY_AT);
    assert_int_equal(parsed(text).at_ms, wanted_ms);
}

static void assert_status(const char *text, enum gw_status wanted) {
    struct cli_expiry expiry = {.kind = CLI_EXPIRY_NOT_GIVEN};
    assert_int_equal(cli_expiry_parse(gw_str_from(text), NOW_MS, &expiry), wanted);
    assert_int_equal(expiry.kind, CLI_EXPIRY_NOT_GIVEN);
}

static void test_expiry_keeps_a_length_as_a_length(void **state) {
    (void)state;
    assert_length("90s", 90);
    assert_length("12h", 12 * HOUR_S);
    assert_length("90d", 90 * DAY_S);
    assert_length("1w", 7 * DAY_S);
    assert_length("52w", 364 * DAY_S);
    assert_length("1y", 365 * DAY_S);
    assert_length("100y", 36500 * DAY_S);
    assert_length("36500d", 36500 * DAY_S);
    assert_length("2000ms", 2);
}

static void test_expiry_takes_a_date_as_its_first_moment(void **state) {
    (void)state;
    assert_at("2026-02-01", NOW_MS + 12 * HOUR_S * 1000);
}

static void test_expiry_takes_a_time_of_any_zone(void **state) {
    (void)state;
    assert_at("2026-01-31T13:00:00Z", NOW_MS + HOUR_S * 1000);
    assert_at("2026-01-31T16:00:00+03:00", NOW_MS + HOUR_S * 1000);
}

static void test_expiry_may_be_never(void **state) {
    (void)state;
    assert_int_equal(parsed("never").kind, CLI_EXPIRY_NEVER);
}

static void test_expiry_tells_past_far_and_malformed_apart(void **state) {
    (void)state;
    assert_status("2026-01-31T12:00:00Z", GW_CONFLICT);
    assert_status("2026-01-31", GW_CONFLICT);
    static const char *const far[] = {
        "36501d",          "101y",
        "5215w",           "99999999999999999999d",
        "99999999999999d", "99999999999999999999w",
        "9999-12-31",
    };
    for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++)
        assert_status(far[i], GW_TOO_BIG);
    static const char *const malformed[] = {
        "",
        "0d",
        "0w",
        "-1d",
        "-1w",
        "90",
        "Never",
        "1W",
        "2026-02-30",
        "2026-1-1",
        "d",
        "y",
        "2026-02-01T",
        "2026-02-0x",
        "500ms",
        "1 w",
        "1.5y",
        "2026-02-01T12:00:00",
    };
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
        assert_status(malformed[i], GW_INVALID);
}

static void assert_json(const char *text, const char *wanted) {
    struct gw_buf out;
    struct gw_json_writer writer;
    struct cli_expiry expiry = parsed(text);
    gw_buf_init(&out, 256);
    gw_json_writer_init(&writer, &out);
    gw_json_open_object(&writer);
    cli_expiry_write_json(&expiry, &writer);
    gw_json_close_object(&writer);
    assert_int_equal(gw_json_writer_finish(&writer), GW_OK);
    assert_true(gw_str_equal(gw_buf_bytes(&out), gw_str_from(wanted)));
    gw_buf_deinit(&out);
}

static void test_expiry_is_sent_as_it_was_meant(void **state) {
    (void)state;
    assert_json("1w", "{\"expiresIn\":604800}");
    assert_json("2026-02-01", "{\"expiresAt\":\"2026-02-01T00:00:00.000Z\"}");
    assert_json("never", "{}");
}

static void test_expiry_knows_the_latest_end_that_was_asked_for(void **state) {
    (void)state;
    struct cli_expiry week = parsed("1w");
    struct cli_expiry date = parsed("2026-02-01");
    struct cli_expiry never = parsed("never");
    assert_int_equal(cli_expiry_end(&week, NOW_MS), NOW_MS + 7 * DAY_S * 1000);
    assert_int_equal(cli_expiry_end(&date, NOW_MS), NOW_MS + 12 * HOUR_S * 1000);
    assert_int_equal(cli_expiry_end(&never, NOW_MS), GW_JSON_NO_TIME);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expiry_keeps_a_length_as_a_length),
        cmocka_unit_test(test_expiry_takes_a_date_as_its_first_moment),
        cmocka_unit_test(test_expiry_takes_a_time_of_any_zone),
        cmocka_unit_test(test_expiry_may_be_never),
        cmocka_unit_test(test_expiry_tells_past_far_and_malformed_apart),
        cmocka_unit_test(test_expiry_is_sent_as_it_was_meant),
        cmocka_unit_test(test_expiry_knows_the_latest_end_that_was_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
