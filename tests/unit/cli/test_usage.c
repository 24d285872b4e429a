// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cli/flags.h"
#include "cli/usage.h"

static void assert_line(enum cli_command command, const char *usage, const char *expected) {
    struct cli_output output;
    cli_output_init(&output);
    cli_usage_put_line(&output, "Usage: ", command, usage);
    assert_int_equal(output.status, GW_OK);
    struct gw_str bytes = gw_buf_bytes(&output.bytes);
    assert_int_equal(bytes.length, strlen(expected));
    assert_memory_equal(bytes.at, expected, bytes.length);
    cli_output_deinit(&output);
}

static void test_usage_is_made_from_the_flags_of_the_command(void **state) {
    (void)state;
    assert_line(CLI_COMMAND_WHOAMI, NULL, "Usage: skillreg whoami [--json]\n");
    assert_line(CLI_COMMAND_NONE, NULL, "Usage: skillreg <command> [flags]\n");
    assert_line(CLI_COMMAND_TOKEN, NULL, "Usage: skillreg token <command> [flags]\n");
    assert_line(CLI_COMMAND_LOGOUT, NULL, "Usage: skillreg logout [--revoke] [--json]\n");
}

static void test_usage_breaks_between_flags_alone(void **state) {
    (void)state;
    assert_line(CLI_COMMAND_WHOAMI,
                "--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa <a> [--bbbbbbbbbbbbbbbbbbbbbbbbbbb <b>] --c <c>",
                "Usage: skillreg whoami --aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa <a>\n"
                "                       [--bbbbbbbbbbbbbbbbbbbbbbbbbbb <b>] --c <c>\n");
}

static void assert_needs(enum cli_command command, const char *expected) {
    struct cli_usage_line needs;
    cli_usage_needs(command, &needs);
    assert_string_equal(needs.text, expected);
}

static void test_usage_tells_what_a_command_needs(void **state) {
    (void)state;
    assert_needs(CLI_COMMAND_TOKEN_CREATE, " --name <name>");
    assert_needs(CLI_COMMAND_TOKEN_REVOKE, " <id>");
    assert_needs(CLI_COMMAND_EXEC, " -- <command>");
    assert_needs(CLI_COMMAND_AUDIT, "");
}

static bool is_in_usage(const struct cli_command_row *row, const char *name) {
    char flag[64];
    (void)snprintf(flag, sizeof(flag), "--%s", name);
    for (size_t i = 0; i < CLI_USAGES_MAX && row->usage[i] != NULL; i++) {
        const char *at = strstr(row->usage[i], flag);
        if (at != NULL && strchr(" ]", at[strlen(flag)]) != NULL)
            return true;
    }
    return false;
}

static void test_usage_that_is_written_by_hand_names_every_flag_of_the_command(void **state) {
    (void)state;
    for (int i = 0; i < CLI_COMMAND_COUNT; i++) {
        const struct cli_command_row *row = cli_command_row((enum cli_command)i);
        if (row->usage[0] == NULL)
            continue;
        for (int j = 0; j < CLI_FLAG_COUNT; j++) {
            const struct cli_flag_row *flag = cli_flag_row((enum cli_flag)j);
            if (!flag->general && cli_flag_is_of((enum cli_flag)j, (enum cli_command)i) &&
                !is_in_usage(row, flag->name))
                fail_msg("the usage of %s lacks --%s", row->words, flag->name);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usage_is_made_from_the_flags_of_the_command),
        cmocka_unit_test(test_usage_breaks_between_flags_alone),
        cmocka_unit_test(test_usage_tells_what_a_command_needs),
        cmocka_unit_test(test_usage_that_is_written_by_hand_names_every_flag_of_the_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
