// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/str.h"
#include "cli/commands.h"

static size_t blanks(const char *words) {
    size_t count = 0;
    for (; *words != '\0'; words++)
        count += *words == ' ';
    return count;
}

static void test_commands_have_a_whole_row_each(void **state) {
    (void)state;
    for (int i = 0; i < CLI_COMMAND_COUNT; i++) {
        const struct cli_command_row *row = cli_command_row((enum cli_command)i);
        assert_non_null(row->words);
        assert_non_null(row->summary);
        assert_int_equal(row->words[0] == '\0', i == CLI_COMMAND_NONE);
        assert_true(row->group ? row->notes != NULL : row->text != NULL);
        assert_int_equal(row->operand != NULL, row->operands_max > 0);
        assert_int_equal(row->operand != NULL, row->operand_kind != CLI_VALUE_NONE);
        assert_int_equal(row->operand_choices != NULL, row->operand_kind == CLI_VALUE_CHOICE);
        assert_true(row->alias == NULL || blanks(row->alias) == blanks(row->words));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(row->words, cli_command_words((enum cli_command)j));
    }
}

static void test_commands_begin_with_a_group_that_has_a_row(void **state) {
    (void)state;
    for (int i = CLI_COMMAND_NONE + 1; i < CLI_COMMAND_COUNT; i++) {
        if (cli_command_word_count((enum cli_command)i) < 2)
            continue;
        struct gw_str rest = gw_str_from(cli_command_words((enum cli_command)i));
        struct gw_str first;
        char word[32];
        assert_true(gw_str_next(&rest, ' ', &first) && first.length < sizeof(word));
        memcpy(word, first.at, first.length);
        word[first.length] = '\0';
        enum cli_command group = cli_command_find((const char *[]){word}, 1);
        assert_true(group != CLI_COMMAND_NONE && cli_command_row(group)->group);
    }
}

static void test_commands_are_found_by_their_words(void **state) {
    (void)state;
    assert_int_equal(cli_command_find((const char *[]){"token", "revoke", "a"}, 3),
                     CLI_COMMAND_TOKEN_REVOKE);
    assert_int_equal(cli_command_find((const char *[]){"token", "revoke"}, 1), CLI_COMMAND_TOKEN);
    assert_int_equal(cli_command_find((const char *[]){"token", "revoked"}, 2), CLI_COMMAND_TOKEN);
    assert_int_equal(cli_command_find((const char *[]){"token", "rm", "a"}, 3),
                     CLI_COMMAND_TOKEN_REVOKE);
    assert_int_equal(cli_command_find((const char *[]){"whoami"}, 1), CLI_COMMAND_WHOAMI);
    assert_int_equal(cli_command_find((const char *[]){"revoke"}, 1), CLI_COMMAND_NONE);
    assert_int_equal(cli_command_find((const char *[]){""}, 1), CLI_COMMAND_NONE);
    assert_int_equal(cli_command_find(NULL, 0), CLI_COMMAND_NONE);
}

static void test_commands_count_their_words(void **state) {
    (void)state;
    assert_int_equal(cli_command_word_count(CLI_COMMAND_NONE), 0);
    assert_int_equal(cli_command_word_count(CLI_COMMAND_AUDIT), 1);
    assert_int_equal(cli_command_word_count(CLI_COMMAND_TOKEN_LIST), 2);
}

static void test_commands_know_their_group(void **state) {
    (void)state;
    assert_string_equal(cli_command_word_in(CLI_COMMAND_TOKEN_LIST, CLI_COMMAND_TOKEN), "list");
    assert_string_equal(cli_command_word_in(CLI_COMMAND_TOKEN_LIST, CLI_COMMAND_NONE),
                        "token list");
    assert_null(cli_command_word_in(CLI_COMMAND_AUDIT, CLI_COMMAND_TOKEN));
    assert_null(cli_command_word_in(CLI_COMMAND_TOKEN, CLI_COMMAND_TOKEN));
    assert_null(cli_command_word_in(CLI_COMMAND_NONE, CLI_COMMAND_NONE));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands_have_a_whole_row_each),
        cmocka_unit_test(test_commands_begin_with_a_group_that_has_a_row),
        cmocka_unit_test(test_commands_are_found_by_their_words),
        cmocka_unit_test(test_commands_count_their_words),
        cmocka_unit_test(test_commands_know_their_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
