// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cli/outcome.h"

// Prints the reason into a file, which counts as UTF-8, and reads that back.
static void assert_printed(const struct cli_reason *why, const char *expected) {
    char text[2 * CLI_REASON_BYTES_MAX] = "";
    FILE *file = tmpfile();
    assert_non_null(file);
    cli_reason_print(why, file);
    rewind(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    (void)fclose(file);
    assert_string_equal(text, expected);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failure_has_a_code_and_one_sentence),
        cmocka_unit_test(test_an_empty_reason_prints_nothing),
        cmocka_unit_test(test_a_reason_is_one_harmless_line),
        cmocka_unit_test(test_a_long_reason_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
