// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/runner_command.h"

static void test_a_line_that_begins_with_two_colons_is_a_command(void **state) {
    (void)state;
    assert_true(gw_runner_command_begins_line(GW_STR("::add-mask::a")));
    assert_true(gw_runner_command_begins_line(GW_STR("::"))); // what follows may complete it
    assert_true(gw_runner_command_begins_line(GW_STR(" \u00a0\u3000::set-output name=a::b")));
    assert_false(gw_runner_command_begins_line(GW_STR("")));
    assert_false(gw_runner_command_begins_line(GW_STR("  ")));
    assert_false(gw_runner_command_begins_line(GW_STR(":a::b")));
    assert_false(gw_runner_command_begins_line(GW_STR("ci::deploy::a")));
}

static void test_two_hashes_a_word_and_a_bracket_are_a_command_anywhere(void **state) {
    (void)state;
    assert_true(gw_runner_command_goes_on(GW_STR("#[add-mask]a")));
    assert_true(gw_runner_command_goes_on(GW_STR("#vso[task.complete]")));
    assert_true(gw_runner_command_goes_on(GW_STR("#teamcity[")));
    assert_false(gw_runner_command_goes_on(GW_STR("")));
    assert_false(gw_runner_command_goes_on(GW_STR("#")));
    assert_false(gw_runner_command_goes_on(GW_STR("# 12 [x]")));
    assert_false(gw_runner_command_goes_on(GW_STR("[x]")));
    assert_false(gw_runner_command_goes_on(GW_STR("##vso[")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_that_begins_with_two_colons_is_a_command),
        cmocka_unit_test(test_two_hashes_a_word_and_a_bracket_are_a_command_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
