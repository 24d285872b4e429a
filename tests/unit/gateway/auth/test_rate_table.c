// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/auth/rate_table.h"

#define NOW 1000U

static int set_up(void **state) {
    struct gw_rate_table *table = test_calloc(1, sizeof(*table));
    *state = table;
    return gw_rate_table_init(table, 1) == GW_OK ? 0 : -1;
}

static int tear_down(void **state) {
    gw_rate_table_deinit(*state);
    test_free(*state);
    return 0;
}

static void test_what_was_put_is_found(void **state) {
    struct gw_rate_table *table = *state;
    assert_int_equal(gw_rate_table_find(table, 0), 0);
    assert_int_equal(gw_rate_table_find(table, 5), 0);
    assert_true(gw_rate_table_put(table, 5, NOW + 1, NOW));
    assert_true(gw_rate_table_put(table, 0, NOW + 2, NOW));
    assert_true(gw_rate_table_put(table, 5, NOW + 3, NOW));
    assert_int_equal(gw_rate_table_find(table, 5), NOW + 3);
    assert_int_equal(gw_rate_table_find(table, 0), NOW + 2);
}

static void test_what_is_at_rest_makes_room_unnoticed(void **state) {
    struct gw_rate_table *table = *state;
    for (uint64_t key = 1; key <= 1000; key++)
        assert_true(gw_rate_table_put(table, key, NOW + key, NOW + key));
    assert_int_equal(gw_rate_table_find(table, 1000), NOW + 1000);
}

// The attack: many keys, each used once, beside one that is at its limit.
static void test_many_that_did_little_do_not_push_out_one_that_did_much(void **state) {
    struct gw_rate_table *table = *state;
    bool is_displaced = false;
    assert_true(gw_rate_table_put(table, 7, NOW + 1000000, NOW));
    for (uint64_t key = 100; key < 100000; key++)
        is_displaced = !gw_rate_table_put(table, key, NOW + 10, NOW) || is_displaced;
    assert_true(is_displaced);
    assert_int_equal(gw_rate_table_find(table, 7), NOW + 1000000);
}

static void test_capacity_is_what_was_asked_for(void **state) {
    (void)state;
    struct gw_rate_table table;
    assert_int_equal(gw_rate_table_init(&table, 4096), GW_OK);
    int kept = 0;
    for (uint64_t key = 1; key <= 1024; key++)
        (void)gw_rate_table_put(&table, key * 0x9e3779b97f4a7c15U, NOW + 10, NOW);
    for (uint64_t key = 1; key <= 1024; key++)
        kept += gw_rate_table_find(&table, key * 0x9e3779b97f4a7c15U) != 0 ? 1 : 0;
    assert_in_range(kept, 1000, 1024); // a quarter full: hardly a set is
    gw_rate_table_deinit(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_what_was_put_is_found),
        TEST(test_what_is_at_rest_makes_room_unnoticed),
        TEST(test_many_that_did_little_do_not_push_out_one_that_did_much),
        TEST(test_capacity_is_what_was_asked_for),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
