// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/token_text.h"

static void test_what_could_be_a_token_has_no_fault(void **state) {
    (void)state;
    static const char *const texts[] = {"sr_live_abcDEF012-_", "sr_test_x", "sk_x", "sk_live_abc"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_null(cli_token_text_fault(gw_str_from(texts[i])));
}

static void test_what_ci_systems_hand_over_is_named(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *fault;
    } cases[] = {
        {"\"sr_live_abc\"", "in quotes"},
        {"'sr_live_abc'", "in quotes"},
        {"***", "in place of a secret"},
        {"[MASKED]", "in place of a secret"},
        {"$SKILLREG_TOKEN", "not expanded"},
        {"${{ secrets.SKILLREG }}", "not expanded"},
        {"%SKILLREG_TOKEN%", "not expanded"},
        {"{{ skillreg }}", "placeholder"},
        {"ghp_abc", "GitHub"},
        {"glpat-abc", "GitLab"},
        {"npm_abc", "npm"},
        {"eyJhbGciOiJIUzI1NiJ9.e30.x", "JWT"},
        {"Bearer sr_live_abc", "word Bearer"},
        {"token", "does not begin like one"},
        {"SR_LIVE_abc", "does not begin like one"},
        {"", "does not begin like one"},
        {"sr_live_ab c", "other characters"},
        {"sr_live_ab\xe2\x80\x8b", "other characters"},
        {"sr_live_ab\"", "other characters"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *fault = cli_token_text_fault(gw_str_from(cases[i].text));
        if (fault == NULL || strstr(fault, cases[i].fault) == NULL)
            fail_msg("%s: %s", cases[i].text, fault != NULL ? fault : "no fault");
    }
}

static void test_a_placeholder_is_one_in_any_setting(void **state) {
    (void)state;
    static const char *const texts[] = {"\"acme\"", "'acme'", "***", "$ORG", "%ORG%", "{{ org }}"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_non_null(cli_token_text_placeholder(gw_str_from(texts[i])));
    assert_null(cli_token_text_placeholder(GW_STR("https://gateway.example")));
    assert_null(cli_token_text_placeholder(GW_STR("npm_org")));
    assert_null(cli_token_text_placeholder(GW_STR("")));
}

static void test_what_editors_leave_is_trimmed(void **state) {
    (void)state;
    assert_true(
        gw_str_equal(cli_token_text_trim(GW_STR("\xef\xbb\xbf  acme \r\n")), GW_STR("acme")));
    assert_true(gw_str_equal(cli_token_text_trim(GW_STR(" \r\n")), GW_STR("")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_could_be_a_token_has_no_fault),
        cmocka_unit_test(test_what_ci_systems_hand_over_is_named),
        cmocka_unit_test(test_a_placeholder_is_one_in_any_setting),
        cmocka_unit_test(test_what_editors_leave_is_trimmed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
