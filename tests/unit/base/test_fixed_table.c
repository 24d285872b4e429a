// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fixed_table.h"

#define KEYS 4096

static int set_up(void **state) {
    struct gw_fixed_table *table = test_calloc(1, sizeof(*table));
    *state = table;
    return gw_fixed_table_init(table, 1) == GW_OK ? 0 : -1;
}

static int tear_down(void **state) {
    gw_fixed_table_deinit(*state);
    test_free(*state);
    return 0;
}

static void test_what_was_put_is_found(void **state) {
    struct gw_fixed_table *table = *state;
    assert_int_equal(gw_fixed_table_find(table, 0), 0);
    assert_int_equal(gw_fixed_table_find(table, 5), 0);
    assert_int_equal(gw_fixed_table_put(table, 5, 11), 0);
    assert_int_equal(gw_fixed_table_put(table, 0, 12), 0);
    assert_int_equal(gw_fixed_table_put(table, 5, 13), 0);
    assert_int_equal(gw_fixed_table_find(table, 5), 13);
    assert_int_equal(gw_fixed_table_find(table, 0), 12);
}

static void test_what_was_removed_is_gone_and_its_place_free(void **state) {
    struct gw_fixed_table *table = *state;
    gw_fixed_table_remove(table, 5);
    for (uint64_t key = 1; key <= 1000; key++) {
        assert_int_equal(gw_fixed_table_put(table, key, 1), 0);
        gw_fixed_table_remove(table, key);
        assert_int_equal(gw_fixed_table_find(table, key), 0);
    }
}

static void test_the_lightest_makes_room_and_its_weight_is_told(void **state) {
    struct gw_fixed_table *table = *state;
    for (uint64_t key = 1; key <= 1000; key++) {
        uint64_t displaced = gw_fixed_table_put(table, key, key);
        assert_in_range(displaced, 0, key - 1);
        if (displaced != 0)
            assert_int_equal(gw_fixed_table_find(table, displaced), 0); // keys weigh what they are
        assert_int_equal(gw_fixed_table_find(table, key), key);
    }
}

// The attack: many keys of little weight beside a heavy one.
static void test_many_light_keys_do_not_push_out_a_heavy_one(void **state) {
    struct gw_fixed_table *table = *state;
    bool is_displaced = false;
    assert_int_equal(gw_fixed_table_put(table, 7, 1000000), 0);
    for (uint64_t key = 100; key < 100000; key++)
        is_displaced = gw_fixed_table_put(table, key, 10) != 0 || is_displaced;
    assert_true(is_displaced);
    assert_int_equal(gw_fixed_table_find(table, 7), 1000000);
}

static void test_capacity_is_what_was_asked_for(void **state) {
    (void)state;
    struct gw_fixed_table table;
    int kept = 0;
    assert_int_equal(gw_fixed_table_init(&table, 4096), GW_OK);
    for (uint64_t key = 1; key <= 1024; key++)
        (void)gw_fixed_table_put(&table, key, 10);
    for (uint64_t key = 1; key <= 1024; key++)
        kept += gw_fixed_table_find(&table, key) != 0 ? 1 : 0;
    assert_in_range(kept, 1000, 1024); // a quarter full: hardly a set is
    gw_fixed_table_deinit(&table);
}

// Against a plain array: it may forget, but tells no weight that a key does not have, and what it
// forgets it tells.
static void test_it_tells_what_a_plain_array_tells_or_has_said_what_it_forgets(void **state) {
    (void)state;
    static uint64_t weights[KEYS];
    struct gw_fixed_table table;
    uint32_t random = 1;
    assert_int_equal(gw_fixed_table_init(&table, KEYS), GW_OK);
    for (uint64_t i = 1; i < 200000; i++) {
        random = random * 1664525U + 1013904223U;
        uint64_t key = random >> 20;
        uint64_t weight = gw_fixed_table_find(&table, key);
        assert_true(weight == weights[key] || weight == 0);
        if ((random >> 8) % 4 == 0) {
            gw_fixed_table_remove(&table, key);
            weights[key] = 0;
        } else {
            // Weights count up, so the one that made room is known by its own.
            uint64_t displaced = gw_fixed_table_put(&table, key, i);
            for (uint64_t other = 0; displaced != 0 && other < KEYS; other++)
                weights[other] = weights[other] == displaced ? 0 : weights[other];
            weights[key] = i;
        }
        assert_int_equal(gw_fixed_table_find(&table, key), weights[key]);
    }
    for (uint64_t key = 0; key < KEYS; key++)
        assert_int_equal(gw_fixed_table_find(&table, key), weights[key]);
    gw_fixed_table_deinit(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_what_was_put_is_found),
        TEST(test_what_was_removed_is_gone_and_its_place_free),
        TEST(test_the_lightest_makes_room_and_its_weight_is_told),
        TEST(test_many_light_keys_do_not_push_out_a_heavy_one),
        TEST(test_capacity_is_what_was_asked_for),
        TEST(test_it_tells_what_a_plain_array_tells_or_has_said_what_it_forgets),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
