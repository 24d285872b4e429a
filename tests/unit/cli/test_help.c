// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cli/flags.h"
#include "cli/help.h"

#define HELP_BYTES_MAX 16384

// Static memory: one text at a time.
static const char *help(enum cli_command command) {
    static char text[HELP_BYTES_MAX];
    struct cli_output output;
    cli_output_init(&output);
    cli_help_put(&output, command);
    assert_int_equal(output.status, GW_OK);
    struct gw_str bytes = gw_buf_bytes(&output.bytes);
    assert_true(bytes.length < sizeof(text));
    memcpy(text, bytes.at, bytes.length);
    text[bytes.length] = '\0';
    cli_output_deinit(&output);
    return text;
}

static void assert_has(enum cli_command command, const char *part) {
    if (strstr(help(command), part) == NULL)
        fail_msg("\"%s\" is not in:\n%s", part, help(command));
}

static void test_help_of_a_command_is_made_from_its_row(void **state) {
    (void)state;
    static const char rotate[] =
        "Usage: skillreg token rotate <id> [--overlap <time>] [--expires <when>]\n"
        "                             [--store] [--quiet] [--output <form>]\n"
        "                             [--org <slug>] [--json]\n"
        "       skillreg token rotate --self [--overlap <time>] [--expires <when>]\n"
        "                             [--store] [--quiet] [--output <form>] [--json]\n"
        "\n"
        "Creates a successor with the same name, scopes and networks, and prints its\n"
        "secret, this once. The old token works on for the overlap, time enough to put\n"
        "the new one in its place. The id is the last column of \"skillreg token list\".\n"
        "\n"
        "With --self it is the token of this very call, of any scope, if it was made with\n"
        "--self-rotate.\n"
        "\n"
        "Flags:\n"
        "  --overlap <time>   how long the old token works on, such as 30m, or 0; default\n"
        "                     24h\n";
    assert_memory_equal(help(CLI_COMMAND_TOKEN_ROTATE), rotate, strlen(rotate));
    assert_has(CLI_COMMAND_TOKEN_ROTATE, "\n  --help             print this text\n");
    assert_has(CLI_COMMAND_TOKEN_ROTATE,
               "\n\nExamples:\n  skillreg token rotate clx7f2k3a --overlap 1h\n");
}

static void test_help_sets_what_is_too_wide_on_a_line_of_its_own(void **state) {
    (void)state;
    assert_has(CLI_COMMAND_TOKEN_CREATE, "  --allow-ip <network>\n"
                                         "                     the token works only");
    assert_has(CLI_COMMAND_TOKEN_REVOKE, "  --with-successors  also the tokens");
}

static void test_help_lists_the_commands_of_a_group_with_what_they_need(void **state) {
    (void)state;
    assert_has(CLI_COMMAND_NONE,
               "  token create --name <name>   create a token, and show its secret this once\n");
    assert_has(CLI_COMMAND_NONE, "  login                        get a token and store it");
    assert_has(CLI_COMMAND_TOKEN,
               "  create --name <name>   create a token, and show its secret this once\n");
    assert_null(strstr(help(CLI_COMMAND_TOKEN), "whoami"));
}

static void test_help_tells_the_alias(void **state) {
    (void)state;
    assert_has(CLI_COMMAND_TOKEN_LIST, "[--json]\nAlias: skillreg token ls\n\nLists ");
    assert_null(strstr(help(CLI_COMMAND_AUDIT), "Alias"));
}

static void test_help_names_every_flag_of_the_command_and_no_other(void **state) {
    (void)state;
    for (int i = CLI_COMMAND_NONE + 1; i < CLI_COMMAND_COUNT; i++) {
        enum cli_command command = (enum cli_command)i;
        if (cli_command_row(command)->group)
            continue;
        for (int flag = 0; flag < CLI_FLAG_COUNT; flag++) {
            const char *name = cli_flag_row((enum cli_flag)flag)->name;
            char line[64];
            (void)snprintf(line, sizeof(line), "\n  --%s ", name);
            bool is_taken = cli_flag_for((enum cli_flag)flag, command) != CLI_FLAG_COUNT;
            bool is_named = strstr(help(command), line) != NULL;
            if (is_taken != is_named)
                fail_msg("the help of %s: --%s", cli_command_words(command), name);
        }
    }
}

static void test_help_is_ascii_and_fits_a_terminal(void **state) {
    (void)state;
    for (int i = 0; i < CLI_COMMAND_COUNT; i++) {
        struct gw_str rest = gw_str_from(help((enum cli_command)i));
        struct gw_str line;
        while (gw_str_next(&rest, '\n', &line)) {
            if (line.length > 80)
                fail_msg("too long: %.*s", GW_STR_ARG(line));
            for (size_t at = 0; at < line.length; at++)
                assert_in_range(line.at[at], ' ', '~');
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help_of_a_command_is_made_from_its_row),
        cmocka_unit_test(test_help_sets_what_is_too_wide_on_a_line_of_its_own),
        cmocka_unit_test(test_help_lists_the_commands_of_a_group_with_what_they_need),
        cmocka_unit_test(test_help_tells_the_alias),
        cmocka_unit_test(test_help_names_every_flag_of_the_command_and_no_other),
        cmocka_unit_test(test_help_is_ascii_and_fits_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
