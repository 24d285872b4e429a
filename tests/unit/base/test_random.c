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

// Of the authors' program, from the state 1, 2, 3, 4.
static void test_the_sequence_is_xoshiro256pp(void **state) {
    (void)state;
    static const uint64_t wanted[] = {41943041, 58720359, 3588806011781223, 3591011842654386};
    struct gw_random_sequence random = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        assert_int_equal(gw_random_next(&random), wanted[i]);
}

static void test_two_seeds_differ(void **state) {
    (void)state;
    struct gw_random_sequence one;
    struct gw_random_sequence other;
    assert_int_equal(gw_random_sequence_seed(&one, 0), GW_OK);
    assert_int_equal(gw_random_sequence_seed(&other, 0), GW_OK);
    assert_int_not_equal(gw_random_next(&one), gw_random_next(&other));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_draw_is_another),
        cmocka_unit_test(test_a_draw_fills_what_was_asked_for_and_no_more),
        cmocka_unit_test(test_the_sequence_is_xoshiro256pp),
        cmocka_unit_test(test_two_seeds_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
