// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "cli/option_values.h"

static void test_a_time_to_end_is_a_duration_a_date_or_a_time(void **state) {
    (void)state;
    struct cli_reason why;
    int64_t expires_ms = 7;
    int64_t before_ms = gw_clock_wall_ms();
    assert_int_equal(cli_option_expires("90d", &expires_ms, &why), CLI_DONE);
    assert_in_range(expires_ms, before_ms + INT64_C(90) * 86400000,
                    gw_clock_wall_ms() + INT64_C(90) * 86400000);
    assert_int_equal(cli_option_expires("2100-01-01", &expires_ms, &why), CLI_DONE);
    assert_int_equal(expires_ms, INT64_C(4102444800000));
    assert_int_equal(cli_option_expires("2100-01-01T01:00:00+01:00", &expires_ms, &why), CLI_DONE);
    assert_int_equal(expires_ms, INT64_C(4102444800000));
    assert_int_equal(cli_option_expires(NULL, &expires_ms, &why), CLI_DONE);
    assert_int_equal(expires_ms, CLI_OPTION_NO_TIME);
}

static void test_a_time_to_end_lies_ahead(void **state) {
    (void)state;
    struct cli_reason why;
    int64_t expires_ms;
    assert_int_equal(cli_option_expires("2026-01-01", &expires_ms, &why), CLI_USAGE);
    assert_string_equal(why.text, "--expires lies in the past");
    assert_int_equal(cli_option_expires("99999d", &expires_ms, &why), CLI_USAGE);
    assert_string_equal(why.text, "--expires lies more than 100 years ahead, leave it out");
    assert_int_equal(cli_option_expires("never", &expires_ms, &why), CLI_USAGE);
    assert_string_equal(why.text,
                        "--expires takes a duration such as 12h or 90d, a date such as 2027-01-31, "
                        "or a time such as 2027-01-31T12:00:00Z");
}

static void test_an_overlap_has_whole_seconds(void **state) {
    (void)state;
    static const struct {
        const char *value;
        int64_t seconds;
    } right[] = {{NULL, 86400}, {"30m", 1800}, {"0", 0}, {"2000ms", 2}};
    static const char *const wrong[] = {"1500ms", "-1h", "3600", "99999999999999999999d", ""};
    struct cli_reason why;
    int64_t seconds;
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        assert_int_equal(cli_option_overlap(right[i].value, &seconds, &why), CLI_DONE);
        assert_int_equal(seconds, right[i].seconds);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(cli_option_overlap(wrong[i], &seconds, &why), CLI_USAGE);
        assert_string_equal(why.text,
                            "--overlap takes a duration of whole seconds such as 24h or 30m, or 0");
    }
}

static void test_a_limit_is_a_number_in_its_range(void **state) {
    (void)state;
    static const char *const wrong[] = {"0", "10001", "-1", "ten", ""};
    struct cli_reason why;
    int64_t limit;
    assert_int_equal(cli_option_limit(NULL, &limit, &why), CLI_DONE);
    assert_int_equal(limit, 50);
    assert_int_equal(cli_option_limit("1", &limit, &why), CLI_DONE);
    assert_int_equal(limit, 1);
    assert_int_equal(cli_option_limit("10000", &limit, &why), CLI_DONE);
    assert_int_equal(limit, 10000);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(cli_option_limit(wrong[i], &limit, &why), CLI_USAGE);
        assert_string_equal(why.text, "--limit takes a number from 1 to 10000");
    }
}

static void test_scopes_are_read_and_write_by_default(void **state) {
    (void)state;
    struct cli_reason why;
    gw_scope_set scopes;
    assert_int_equal(cli_option_scopes(NULL, &scopes, &why), CLI_DONE);
    assert_int_equal(scopes, GW_SCOPE_READ | GW_SCOPE_WRITE);
    assert_int_equal(cli_option_scopes("admin, read", &scopes, &why), CLI_DONE);
    assert_int_equal(scopes, GW_SCOPE_READ | GW_SCOPE_ADMIN);
}

static void test_unknown_and_empty_scopes_are_refused_by_name(void **state) {
    (void)state;
    struct cli_reason why;
    gw_scope_set scopes;
    assert_int_equal(cli_option_scopes("read,owner", &scopes, &why), CLI_USAGE);
    assert_non_null(strstr(why.text, "unknown scope \"owner\": "));
    assert_int_equal(cli_option_scopes("read,", &scopes, &why), CLI_USAGE);
    assert_non_null(strstr(why.text, "unknown scope \"\": "));
}

static void test_a_token_or_its_prefix_is_no_id(void **state) {
    (void)state;
    struct cli_reason why;
    static const char *const tokens[] = {"sr_live_SECR", "sr_test_SECRET", "sk_SECRET"};
    assert_int_equal(cli_option_id("clx7f2k3a", "token revoke", &why), CLI_DONE);
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        assert_int_equal(cli_option_id(tokens[i], "token revoke", &why), CLI_USAGE);
        assert_null(strstr(why.text, "SECR"));
    }
    assert_int_equal(cli_option_id(NULL, "token rotate", &why), CLI_USAGE);
    assert_string_equal(why.text,
                        "token rotate needs the id of a token: skillreg token list shows it");
}

static void test_a_name_is_given_and_utf8(void **state) {
    (void)state;
    struct cli_reason why;
    assert_int_equal(cli_option_name("ci-deploy \xc3\xa9", &why), CLI_DONE);
    assert_int_equal(cli_option_name("a\xff", &why), CLI_USAGE);
    assert_int_equal(cli_option_name(NULL, &why), CLI_USAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_time_to_end_is_a_duration_a_date_or_a_time),
        cmocka_unit_test(test_a_time_to_end_lies_ahead),
        cmocka_unit_test(test_an_overlap_has_whole_seconds),
        cmocka_unit_test(test_a_limit_is_a_number_in_its_range),
        cmocka_unit_test(test_scopes_are_read_and_write_by_default),
        cmocka_unit_test(test_unknown_and_empty_scopes_are_refused_by_name),
        cmocka_unit_test(test_a_token_or_its_prefix_is_no_id),
        cmocka_unit_test(test_a_name_is_given_and_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
