// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cli/flag_rows.h"
#include "cli/flags.h"

static void test_flags_have_a_whole_row_each(void **state) {
    (void)state;
    for (int i = 0; i < CLI_FLAG_COUNT; i++) {
        const struct cli_flag_row *row = cli_flag_row((enum cli_flag)i);
        assert_non_null(row->name);
        assert_non_null(row->help);
        assert_true(row->commands != 0);
        assert_int_equal(row->required & ~row->commands, 0);
        assert_int_equal(row->value != NULL, row->kind != CLI_VALUE_NONE);
        assert_int_equal(row->choices != NULL,
                         row->kind == CLI_VALUE_CHOICE || row->kind == CLI_VALUE_LIST);
    }
}

static void test_flags_stand_in_one_table_each(void **state) {
    (void)state;
    for (int i = 0; i < CLI_FLAG_COUNT; i++)
        assert_int_equal((cli_flags_tokens[i].name != NULL) + (cli_flags_lists[i].name != NULL) +
                             (cli_flags_identity[i].name != NULL) +
                             (cli_flags_general[i].name != NULL),
                         1);
}

// Flags may stand before the command: whether the next argument is their value must be known then.
static void test_flags_of_one_name_are_of_different_commands_and_all_take_a_value(void **state) {
    (void)state;
    for (int i = 0; i < CLI_FLAG_COUNT; i++) {
        const struct cli_flag_row *row = cli_flag_row((enum cli_flag)i);
        for (int j = 0; j < i; j++) {
            const struct cli_flag_row *other = cli_flag_row((enum cli_flag)j);
            assert_true(row->letter == '\0' || row->letter != other->letter);
            if (strcmp(row->name, other->name) != 0)
                continue;
            assert_int_equal(row->commands & other->commands, 0);
            assert_int_equal(row->value != NULL, other->value != NULL);
        }
    }
}

static void test_flags_are_found_by_name_and_letter(void **state) {
    (void)state;
    assert_int_equal(cli_flag_find(GW_STR("allow-ip")), CLI_FLAG_ALLOW_IP);
    assert_int_equal(cli_flag_find(GW_STR("allow")), CLI_FLAG_COUNT);
    assert_int_equal(cli_flag_find(GW_STR("")), CLI_FLAG_COUNT);
    assert_int_equal(cli_flag_find_letter('h'), CLI_FLAG_HELP);
    assert_int_equal(cli_flag_find_letter('j'), CLI_FLAG_COUNT);
    assert_int_equal(cli_flag_find_letter('\0'), CLI_FLAG_COUNT);
}

static void test_flags_are_of_their_commands(void **state) {
    (void)state;
    assert_true(cli_flag_is_of(CLI_FLAG_STORE, CLI_COMMAND_TOKEN_ROTATE));
    assert_false(cli_flag_is_of(CLI_FLAG_STORE, CLI_COMMAND_TOKEN_CREATE));
    assert_int_equal(cli_flag_for(CLI_FLAG_HELP, CLI_COMMAND_NONE), CLI_FLAG_HELP);
    assert_int_equal(cli_flag_for(CLI_FLAG_NAME, CLI_COMMAND_TOKEN_CREATE), CLI_FLAG_NAME);
    assert_int_equal(cli_flag_for(CLI_FLAG_NAME, CLI_COMMAND_WHOAMI), CLI_FLAG_COUNT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flags_have_a_whole_row_each),
        cmocka_unit_test(test_flags_stand_in_one_table_each),
        cmocka_unit_test(test_flags_of_one_name_are_of_different_commands_and_all_take_a_value),
        cmocka_unit_test(test_flags_are_found_by_name_and_letter),
        cmocka_unit_test(test_flags_are_of_their_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
