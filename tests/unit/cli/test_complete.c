// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cli/complete.h"

#define WORDS_MAX 8
#define TEXT_BYTES_MAX 8192

// Splits `line` at blanks: what stands behind the last one, perhaps nothing, is being typed. Static
// memory: one line at a time.
static const struct cli_complete *read_line(const char *line) {
    static struct cli_complete complete;
    static char memory[256];
    char *words[WORDS_MAX];
    size_t count = 0;
    assert_true(strlen(line) < sizeof(memory));
    strcpy(memory, line);
    for (char *at = memory; at != NULL; count++) {
        char *blank = strchr(at, ' ');
        assert_true(count < WORDS_MAX);
        words[count] = at;
        if (blank != NULL)
            *blank++ = '\0';
        at = blank;
    }
    cli_complete_read(words, count, &complete);
    return &complete;
}

// The candidates with blanks between, without descriptions.
static const char *candidates(const char *line) {
    static char text[TEXT_BYTES_MAX];
    struct cli_output output;
    cli_output_init(&output);
    cli_complete_put(read_line(line), &output);
    assert_int_equal(output.status, GW_OK);
    struct gw_str rest = gw_buf_bytes(&output.bytes);
    struct gw_str candidate;
    text[0] = '\0';
    while (gw_str_next(&rest, '\n', &candidate) && candidate.length > 0) {
        candidate.length = gw_str_find(candidate, '\t');
        assert_true(strlen(text) + candidate.length + 2 < sizeof(text));
        if (text[0] != '\0')
            strcat(text, " ");
        strncat(text, candidate.at, candidate.length);
    }
    cli_output_deinit(&output);
    return text;
}

static void test_complete_offers_words_of_commands(void **state) {
    (void)state;
    assert_string_equal(candidates("tok"), "token");
    assert_string_equal(candidates("token re"), "revoke");
    assert_string_equal(candidates("--json token cr"), "create");
    assert_string_equal(candidates("help token cr"), "create");
    assert_string_equal(candidates("whoami "), "");
    assert_string_equal(candidates("nothing "), "");
    assert_string_equal(candidates("help whoami "), "");
}

static void test_complete_offers_flags_of_the_command_that_were_not_given(void **state) {
    (void)state;
    assert_string_equal(candidates("token create --sc"), "--scopes");
    assert_string_equal(candidates("token create --scopes read --sc"), "");
    assert_string_equal(candidates("token create --allow-ip ::1 --al"), "--allow-ip");
    assert_string_equal(candidates("audit --sc"), "");
    assert_non_null(strstr(candidates("whoami -"), "--json"));
    assert_non_null(strstr(candidates("--"), "--version"));
}

static void test_complete_offers_values(void **state) {
    (void)state;
    assert_string_equal(candidates("token create --scopes "), "read write admin");
    assert_string_equal(candidates("token create --scopes read,w"), "read,write");
    assert_string_equal(candidates("token create --scopes read,write,"), "read,write,admin");
    assert_string_equal(candidates("token create --scopes=read,w"), "--scopes=read,write");
    assert_string_equal(candidates("token create --scopes=a"), "--scopes=admin");
    assert_string_equal(candidates("whoami --ca-file "), ":files");
    assert_string_equal(candidates("whoami --ca-file=/etc/"), ":files");
    assert_string_equal(candidates("token create --name "), "");
    assert_string_equal(candidates("token create --nothing=x"), "");
    assert_string_equal(candidates("completion z"), "zsh");
}

static void test_complete_takes_nothing_for_a_flag_behind_two_dashes(void **state) {
    (void)state;
    assert_string_equal(candidates("token revoke -- --js"), "");
    assert_int_equal(read_line("token revoke -- --js")->kind, CLI_VALUE_TOKEN_ID);
}

static void test_complete_wants_ids_where_the_command_takes_one_more(void **state) {
    (void)state;
    const struct cli_complete *complete = read_line("token revoke --org acme clx");
    assert_int_equal(complete->what, CLI_COMPLETE_VALUE);
    assert_int_equal(complete->kind, CLI_VALUE_TOKEN_ID);
    assert_true(gw_str_equal(complete->word, GW_STR("clx")));
    assert_string_equal(complete->options.values[CLI_FLAG_ORG], "acme");
    assert_int_equal(complete->options.command, CLI_COMMAND_TOKEN_REVOKE);
    assert_int_equal(read_line("token rotate a ")->kind, CLI_VALUE_NONE);
    assert_int_equal(read_line("token list ")->kind, CLI_VALUE_NONE);
}

static void test_complete_describes_a_candidate_on_its_line(void **state) {
    (void)state;
    struct cli_output output;
    const struct cli_complete *complete = read_line("token revoke clx");
    cli_output_init(&output);
    cli_complete_put_one(complete, &output, GW_STR("clx7"), GW_STR("a\tb\nc"));
    cli_complete_put_one(complete, &output, GW_STR("cly7"), GW_STR("another"));
    struct gw_str text = gw_buf_bytes(&output.bytes);
    assert_true(gw_str_starts_with(text, GW_STR("clx7\ta")));
    assert_int_equal(gw_str_find(text, '\n'), text.length - 1);
    cli_output_deinit(&output);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_complete_offers_words_of_commands),
        cmocka_unit_test(test_complete_offers_flags_of_the_command_that_were_not_given),
        cmocka_unit_test(test_complete_offers_values),
        cmocka_unit_test(test_complete_takes_nothing_for_a_flag_behind_two_dashes),
        cmocka_unit_test(test_complete_wants_ids_where_the_command_takes_one_more),
        cmocka_unit_test(test_complete_describes_a_candidate_on_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
