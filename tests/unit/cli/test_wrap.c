// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cli/wrap.h"

#define TEN "123456789 "
#define SEVENTY TEN TEN TEN TEN TEN TEN TEN

static void assert_wrapped(const char *text, size_t indent, const char *expected) {
    struct cli_output output;
    cli_output_init(&output);
    cli_wrap_put(&output, text, indent);
    assert_int_equal(output.status, GW_OK);
    struct gw_str bytes = gw_buf_bytes(&output.bytes);
    assert_int_equal(bytes.length, strlen(expected));
    assert_memory_equal(bytes.at, expected, bytes.length);
    cli_output_deinit(&output);
}

static void test_wrap_breaks_before_the_word_that_does_not_fit(void **state) {
    (void)state;
    assert_wrapped(SEVENTY "1234567890", 0, SEVENTY "1234567890\n");
    assert_wrapped(SEVENTY "12345678901", 0,
                   TEN TEN TEN TEN TEN TEN "123456789\n"
                                           "12345678901\n");
}

static void test_wrap_indents_every_line_except_the_first(void **state) {
    (void)state;
    assert_wrapped(SEVENTY "a", 10,
                   TEN TEN TEN TEN TEN TEN "123456789\n"
                                           "          a\n");
    assert_wrapped("a\n\nb", 2, "a\n\n  b\n");
}

static void test_wrap_keeps_line_ends_and_lines_that_begin_with_a_blank(void **state) {
    (void)state;
    assert_wrapped("a\nb\n", 0, "a\nb\n");
    assert_wrapped("  " SEVENTY TEN "end", 0, "  " SEVENTY TEN "end\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wrap_breaks_before_the_word_that_does_not_fit),
        cmocka_unit_test(test_wrap_indents_every_line_except_the_first),
        cmocka_unit_test(test_wrap_keeps_line_ends_and_lines_that_begin_with_a_blank),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
