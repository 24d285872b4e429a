// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/hex.h"

static void test_hex_is_lower_case(void **state) {
    (void)state;
    char out[6];
    gw_hex_encode("\x00\x9F\xFA", 3, out);
    assert_memory_equal(out, "009ffa", 6);
}

static void test_every_byte_has_its_two_digits(void **state) {
    (void)state;
    for (unsigned byte = 0; byte < 256; byte++) {
        char out[3] = {0};
        char expected[3];
        gw_hex_encode(&(unsigned char){(unsigned char)byte}, 1, out);
        (void)snprintf(expected, sizeof(expected), "%02x", byte);
        assert_string_equal(out, expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex_is_lower_case),
        cmocka_unit_test(test_every_byte_has_its_two_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
