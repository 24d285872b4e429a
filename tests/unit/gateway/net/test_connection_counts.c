// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/net/connection_counts.h"

#define KEYS 300

static void test_each_key_has_its_own_count(void **state) {
    (void)state;
    struct gw_address_counts counts;
    assert_int_equal(gw_address_counts_init(&counts, 2), GW_OK);
    assert_true(gw_address_counts_acquire(&counts, 0));
    assert_true(gw_address_counts_acquire(&counts, 0));
    assert_false(gw_address_counts_acquire(&counts, 0));
    assert_true(gw_address_counts_acquire(&counts, 1));
    gw_address_counts_release(&counts, 0);
    assert_true(gw_address_counts_acquire(&counts, 0));
    assert_false(gw_address_counts_acquire(&counts, 0));
    gw_address_counts_deinit(&counts);
}

static void test_without_a_limit_nothing_is_counted(void **state) {
    (void)state;
    struct gw_address_counts counts;
    assert_int_equal(gw_address_counts_init(&counts, 0), GW_OK);
    for (int i = 0; i < 1000; i++)
        assert_true(gw_address_counts_acquire(&counts, 7));
    gw_address_counts_release(&counts, 7);
    gw_address_counts_deinit(&counts);
}

// Through many changes, against a plain array.
static void test_counts_are_right_however_they_came_about(void **state) {
    (void)state;
    enum { TOTAL_MAX = 200, COUNT_MAX = 5 };
    struct gw_address_counts counts;
    int expected[KEYS] = {0};
    int total = 0;
    uint32_t random = 1;
    assert_int_equal(gw_address_counts_init(&counts, COUNT_MAX), GW_OK);
    for (int i = 0; i < 200000; i++) {
        random = random * 1664525U + 1013904223U;
        unsigned key = (random >> 8) % KEYS;
        bool is_more = (random >> 28) % 2 == 0 && total < TOTAL_MAX;
        if (is_more) {
            bool is_acquired = gw_address_counts_acquire(&counts, key);
            assert_int_equal(is_acquired, expected[key] < COUNT_MAX);
            expected[key] += is_acquired ? 1 : 0;
            total += is_acquired ? 1 : 0;
        } else if (expected[key] > 0) {
            gw_address_counts_release(&counts, key);
            expected[key]--;
            total--;
        }
    }
    for (unsigned key = 0; key < KEYS; key++) {
        while (expected[key]-- > 0)
            gw_address_counts_release(&counts, key);
    }
    for (int i = 0; i < COUNT_MAX; i++)
        assert_true(gw_address_counts_acquire(&counts, 1));
    assert_false(gw_address_counts_acquire(&counts, 1));
    gw_address_counts_deinit(&counts);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_key_has_its_own_count),
        cmocka_unit_test(test_without_a_limit_nothing_is_counted),
        cmocka_unit_test(test_counts_are_right_however_they_came_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
