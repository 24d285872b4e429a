// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"

static void test_each_draw_is_another(void **state) {
    (void)state;
    unsigned char first[32] = {0};
    unsigned char second[32] = {0};
    assert_int_equal(gw_random_bytes(first, sizeof(first)), GW_OK);
    assert_int_equal(gw_random_bytes(second, sizeof(second)), GW_OK);
    assert_memory_not_equal(first, second, sizeof(first));
}

static void test_a_draw_fills_what_was_asked_for_and_no_more(void **state) {
    (void)state;
    unsigned char bytes[256] = {0};
    unsigned seen[255] = {0};
    // A byte stays 0 in 16 draws once in 2^128.
    for (int draw = 0; draw < 16; draw++) {
        assert_int_equal(gw_random_bytes(bytes, sizeof(bytes) - 1), GW_OK);
        for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
            seen[i] |= bytes[i];
    }
    for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
        assert_int_not_equal(seen[i], 0);
    assert_int_equal(bytes[255], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_draw_is_another),
        cmocka_unit_test(test_a_draw_fills_what_was_asked_for_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
