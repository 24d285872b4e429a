// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdlib.h>

#include "base/ascii.h"

// The classes of the C locale, which are those of ASCII, for every byte.
static void test_classes_are_those_of_ascii(void **state) {
    (void)state;
    for (int c = -128; c < 128; c++) {
        bool is_ascii = c >= 0;
        assert_int_equal(gw_ascii_is_digit((char)c), is_ascii && isdigit(c) != 0);
        assert_int_equal(gw_ascii_is_upper((char)c), is_ascii && isupper(c) != 0);
        assert_int_equal(gw_ascii_is_lower((char)c), is_ascii && islower(c) != 0);
        assert_int_equal(gw_ascii_is_alphanumeric((char)c), is_ascii && isalnum(c) != 0);
        assert_int_equal(gw_ascii_is_lower_alphanumeric((char)c),
                         is_ascii && (islower(c) != 0 || isdigit(c) != 0));
    }
}

static void test_only_letters_become_lower_case(void **state) {
    (void)state;
    for (int c = -128; c < 128; c++)
        assert_int_equal(gw_ascii_to_lower((char)c), c >= 0 ? tolower(c) : c);
}

static void test_hexadecimal_digits_have_their_value(void **state) {
    (void)state;
    for (int c = -128; c < 128; c++) {
        const char text[] = {(char)c, '\0'};
        long expected = c > 0 && isxdigit(c) ? strtol(text, NULL, 16) : -1;
        assert_int_equal(gw_ascii_hex_value((char)c), expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes_are_those_of_ascii),
        cmocka_unit_test(test_only_letters_become_lower_case),
        cmocka_unit_test(test_hexadecimal_digits_have_their_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
