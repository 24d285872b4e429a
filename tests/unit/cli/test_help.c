// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/str.h"
#include "cli/help.h"

static void test_every_command_has_a_text_of_its_own_that_names_it(void **state) {
    (void)state;
    for (int i = 0; i < CLI_COMMAND_COUNT; i++) {
        const char *text = cli_help_text((enum cli_command)i);
        assert_non_null(text);
        assert_non_null(strstr(text, cli_options_command_words((enum cli_command)i)));
        for (int j = 0; j < i; j++)
            assert_ptr_not_equal(text, cli_help_text((enum cli_command)j));
    }
}

static void test_a_line_is_ascii_and_fits_a_terminal(void **state) {
    (void)state;
    for (int i = 0; i < CLI_COMMAND_COUNT; i++) {
        struct gw_str rest = gw_str_from(cli_help_text((enum cli_command)i));
        struct gw_str line;
        while (gw_str_next(&rest, '\n', &line)) {
            assert_true(line.length <= 80);
            for (size_t at = 0; at < line.length; at++)
                assert_in_range(line.at[at], ' ', '~');
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_command_has_a_text_of_its_own_that_names_it),
        cmocka_unit_test(test_a_line_is_ascii_and_fits_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
