// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/crc32.h"

static void test_crc32_is_that_of_zlib(void **state) {
    (void)state;
    assert_int_equal(gw_crc32(0, "123456789", 9), 0xCBF43926);
    assert_int_equal(gw_crc32(0, "", 0), 0);
    assert_int_equal(gw_crc32(gw_crc32(0, "1234", 4), "56789", 5), 0xCBF43926);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc32_is_that_of_zlib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
