// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hex.h"

static void test_hex_is_lower_case(void **state) {
    (void)state;
    char out[6];
    gw_hex_encode("\x00\x9F\xFA", 3, out);
    assert_memory_equal(out, "009ffa", 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hex_is_lower_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
