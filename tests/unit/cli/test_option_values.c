// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "cli/option_values.h"

static void test_a_time_to_end_is_a_duration_a_date_a_time_or_never(void **state) {
    (void)state;
    struct cli_reason why;
    struct cli_expiry expiry;
    assert_int_equal(cli_option_expires("90d", &expiry, &why), CLI_DONE);
    assert_int_equal(expiry.kind, CLI_EXPIRY_AFTER);
    assert_int_equal(expiry.length_s, 90 * 86400);
    assert_int_equal(cli_option_expires("2100-01-01", &expiry, &why), CLI_DONE);
    assert_int_equal(expiry.at_ms, INT64_C(4102444800000));
    assert_int_equal(cli_option_expires("2100-01-01T01:00:00+01:00", &expiry, &why), CLI_DONE);
    assert_int_equal(expiry.at_ms, INT64_C(4102444800000));
    assert_int_equal(cli_option_expires("never", &expiry, &why), CLI_DONE);
    assert_int_equal(expiry.kind, CLI_EXPIRY_NEVER);
    assert_int_equal(cli_option_expires(NULL, &expiry, &why), CLI_DONE);
    assert_int_equal(expiry.kind, CLI_EXPIRY_NOT_GIVEN);
}

static void test_a_time_to_end_lies_ahead(void **state) {
    (void)state;
    struct cli_reason why;
    struct cli_expiry expiry;
    assert_int_equal(cli_option_expires("2026-01-01", &expiry, &why), CLI_USAGE);
    assert_string_equal(
        why.text, "--expires lies in the past, name a later time (a date begins at 00:00 UTC)");
    assert_int_equal(cli_option_expires("99999d", &expiry, &why), CLI_USAGE);
    assert_string_equal(why.text, "--expires lies more than 100 years ahead, name an earlier time");
    assert_int_equal(cli_option_expires("soon", &expiry, &why), CLI_USAGE);
    assert_string_equal(
        why.text, "--expires takes a duration such as 12h, 90d, 1w or 1y, a date such as "
                  "2027-01-31, a time such as 2027-01-31T12:00:00Z, or never (token create alone)");
}

static void test_a_description_is_held_to_the_rules_of_names(void **state) {
    (void)state;
    struct cli_reason why;
    assert_int_equal(cli_option_description(NULL, &why), CLI_DONE);
    assert_int_equal(cli_option_description("of the night build", &why), CLI_DONE);
    assert_int_equal(cli_option_description("", &why), CLI_USAGE);
    assert_string_equal(why.text, "--description must be 1 to 500 characters");
    assert_int_equal(cli_option_description("a\nb", &why), CLI_USAGE);
}

static void test_an_age_is_a_length_of_time_up_to_a_hundred_years(void **state) {
    (void)state;
    struct cli_reason why;
    int64_t age_ms = -1;
    assert_int_equal(cli_option_age(NULL, "--unused", &age_ms, &why), CLI_DONE);
    assert_int_equal(age_ms, 0);
    assert_int_equal(cli_option_age("36500d", "--unused", &age_ms, &why), CLI_DONE);
    assert_int_equal(age_ms, INT64_C(36500) * 86400 * 1000);
    static const char *const wrong[] = {"36501d", "0d", "90", "soon", "-1d"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(cli_option_age(wrong[i], "--unused", &age_ms, &why), CLI_USAGE);
    assert_string_equal(why.text, "--unused takes a duration such as 90d or 12h, 36500d at most");
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
        cmocka_unit_test(test_a_time_to_end_is_a_duration_a_date_a_time_or_never),
        cmocka_unit_test(test_a_description_is_held_to_the_rules_of_names),
        cmocka_unit_test(test_a_time_to_end_lies_ahead),
        cmocka_unit_test(test_an_age_is_a_length_of_time_up_to_a_hundred_years),
        cmocka_unit_test(test_an_overlap_has_whole_seconds),
        cmocka_unit_test(test_a_limit_is_a_number_in_its_range),
        cmocka_unit_test(test_scopes_are_read_and_write_by_default),
        cmocka_unit_test(test_unknown_and_empty_scopes_are_refused_by_name),
        cmocka_unit_test(test_a_token_or_its_prefix_is_no_id),
        cmocka_unit_test(test_a_name_is_given_and_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
