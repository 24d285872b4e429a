// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cli/outcome.h"

// What was printed into a file, which counts as UTF-8.
static void assert_holds(FILE *file, const char *expected) {
    char text[2 * CLI_REASON_BYTES_MAX] = "";
    assert_int_equal(fseek(file, 0, SEEK_SET), 0);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    (void)fclose(file);
    assert_string_equal(text, expected);
}

static void assert_printed(const struct cli_reason *why, const char *expected) {
    FILE *file = tmpfile();
    assert_non_null(file);
    cli_reason_print(why, file);
    assert_holds(file, expected);
}

static void assert_printed_json(const struct cli_reason *why, enum cli_exit exit,
                                const char *expected) {
    FILE *file = tmpfile();
    assert_non_null(file);
    cli_reason_print_json(why, exit, file);
    assert_holds(file, expected);
}

static void test_a_failure_has_a_code_and_one_sentence(void **state) {
    (void)state;
    struct cli_reason why;
    assert_int_equal(cli_fail(&why, CLI_USAGE, "--%s is given twice", "name"), CLI_USAGE);
    assert_printed(&why, "skillreg: --name is given twice\n");
    assert_int_equal(cli_fail_status(&why, GW_NO_MEMORY), CLI_FAILED);
    assert_printed(&why, "skillreg: out of memory\n");
}

static void test_an_empty_reason_prints_nothing(void **state) {
    (void)state;
    const struct cli_reason why = {.text = ""};
    assert_printed(&why, "");
    assert_printed_json(&why, CLI_FAILED, "");
}

static void test_a_reason_is_one_harmless_line(void **state) {
    (void)state;
    struct cli_reason why;
    (void)cli_fail(&why, CLI_FAILED, "%s", "a\nb\x1b[2J\xff");
    assert_printed(&why, "skillreg: a\xef\xbf\xbd"
                         "b\xef\xbf\xbd[2J\xef\xbf\xbd\n");
}

static void test_a_long_reason_is_cut(void **state) {
    (void)state;
    char text[2 * CLI_REASON_BYTES_MAX];
    struct cli_reason why;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    (void)cli_fail(&why, CLI_FAILED, "%s", text);
    assert_int_equal(strlen(why.text), CLI_REASON_BYTES_MAX - 1);
}

static void test_a_failure_without_an_answer_has_the_name_of_its_exit_code(void **state) {
    (void)state;
    struct cli_reason why;
    enum cli_exit exit = cli_fail(&why, CLI_USAGE, "--%s is given \"twice\"", "name");
    assert_printed_json(&why, exit,
                        "{\"error\":{\"code\":\"usage\",\"message\":\"--name is given "
                        "\\\"twice\\\"\",\"status\":null,\"requestId\":null,\"exitCode\":2}}\n");
    cli_reason_set_code(&why, GW_STR("config"));
    assert_printed_json(&why, CLI_FAILED,
                        "{\"error\":{\"code\":\"config\",\"message\":\"--name is given "
                        "\\\"twice\\\"\",\"status\":null,\"requestId\":null,\"exitCode\":1}}\n");
}

static void test_the_code_of_the_gateway_is_kept(void **state) {
    (void)state;
    struct cli_reason why;
    enum cli_exit exit = cli_fail(&why, CLI_FORBIDDEN, "no");
    cli_reason_set_answer(&why, 403, GW_STR("org_mismatch"), "r-1");
    assert_printed_json(&why, exit,
                        "{\"error\":{\"code\":\"org_mismatch\",\"message\":\"no\",\"status\":403,"
                        "\"requestId\":\"r-1\",\"exitCode\":6}}\n");
    exit = cli_fail(&why, CLI_FAILED, "another"); // which that answer is no part of
    assert_printed_json(&why, exit,
                        "{\"error\":{\"code\":\"failed\",\"message\":\"another\",\"status\":null,"
                        "\"requestId\":null,\"exitCode\":1}}\n");
}

static void test_json_is_one_harmless_line_without_a_token(void **state) {
    (void)state;
#define TOKEN "sr_live_aaaaaaaaaaaaaaaaaaaa"
    struct cli_reason why;
    enum cli_exit exit = cli_fail(&why, CLI_FAILED, "%s", "a\nb\x7f " TOKEN "\xff");
    cli_reason_set_answer(&why, 400, GW_STR("x\n" TOKEN), "y " TOKEN);
    assert_printed_json(
        &why, exit,
        "{\"error\":{\"code\":\"x\\n(a token?)\",\"message\":\"a\\nb\\u007f (a token?)"
        "\xef\xbf\xbd\",\"status\":400,\"requestId\":\"y (a token?)\","
        "\"exitCode\":1}}\n");
}

static void test_the_longest_reason_is_still_json(void **state) {
    (void)state;
    char text[2 * CLI_REASON_BYTES_MAX];
    struct cli_reason why;
    memset(text, 1, sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    enum cli_exit exit = cli_fail(&why, CLI_FAILED, "%s", text);
    cli_reason_set_answer(&why, 999, gw_str_from(text), text);
    char json[8 * sizeof(why)] = "";
    FILE *file = tmpfile();
    assert_non_null(file);
    cli_reason_print_json(&why, exit, file);
    assert_int_equal(fseek(file, 0, SEEK_SET), 0);
    json[fread(json, 1, sizeof(json) - 1, file)] = '\0';
    (void)fclose(file);
    assert_non_null(strstr(json, "\",\"exitCode\":1}}\n"));
}

static void test_each_exit_code_of_an_error_has_a_name_of_its_own(void **state) {
    (void)state;
    static const struct {
        enum cli_exit code;
        const char *name; // NULL: not an error
    } rows[] = {
#define X(id, number, name, ...) {CLI_##id, name},
        CLI_EXITS(X)
#undef X
    };
    for (size_t i = 1; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(rows[i].code > rows[i - 1].code);
        for (size_t j = 1; rows[i].name != NULL && j < i; j++)
            assert_string_not_equal(cli_exit_name(rows[i].code), cli_exit_name(rows[j].code));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failure_has_a_code_and_one_sentence),
        cmocka_unit_test(test_an_empty_reason_prints_nothing),
        cmocka_unit_test(test_a_reason_is_one_harmless_line),
        cmocka_unit_test(test_a_long_reason_is_cut),
        cmocka_unit_test(test_a_failure_without_an_answer_has_the_name_of_its_exit_code),
        cmocka_unit_test(test_the_code_of_the_gateway_is_kept),
        cmocka_unit_test(test_json_is_one_harmless_line_without_a_token),
        cmocka_unit_test(test_the_longest_reason_is_still_json),
        cmocka_unit_test(test_each_exit_code_of_an_error_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
