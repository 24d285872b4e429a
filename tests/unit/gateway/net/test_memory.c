// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/status.h"
#include "gateway/net/memory.h"

#define KIB 1024
#define MIB (1024 * KIB)

static struct gw_metrics metrics;
static struct gw_memory memory;
static struct gw_holding holdings[4];
static int given_back_count;

static void count_given_back(void) {
    given_back_count++;
}

static int set_up(void **state) {
    (void)state;
    metrics = (struct gw_metrics){0};
    given_back_count = 0;
    gw_memory_init(&memory);
    memory.give_back = count_given_back;
    for (size_t i = 0; i < sizeof(holdings) / sizeof(holdings[0]); i++)
        gw_holding_init(&holdings[i]);
    return 0;
}

static void hold(int holding, size_t bytes) {
    gw_memory_hold(&memory, &holdings[holding], bytes);
}

static void test_what_is_held_is_counted(void **state) {
    (void)state;
    gw_memory_set_bound(&memory, 0, &metrics);
    hold(0, 100);
    hold(1, 50);
    hold(0, 30);
    assert_int_equal(metrics.memory_held_bytes, 80);
    hold(1, 0);
    hold(0, 0);
    hold(0, 0);
    assert_int_equal(metrics.memory_held_bytes, 0);
    assert_true(gw_list_is_empty(&memory.holders));
}

static void test_without_a_bound_nobody_is_ended(void **state) {
    (void)state;
    hold(0, SIZE_MAX / 2);
    assert_false(gw_memory_is_tight(&memory));
    assert_null(gw_memory_take_excess(&memory));
}

static void test_over_the_bound_the_one_that_got_on_least_recently_is_ended(void **state) {
    (void)state;
    gw_memory_set_bound(&memory, 100, &metrics);
    hold(0, 40);
    hold(1, 40);
    assert_true(gw_memory_is_tight(&memory));
    assert_null(gw_memory_take_excess(&memory));
    hold(2, 60);
    gw_memory_note_progress(&memory, &holdings[0]);
    gw_memory_note_progress(&memory, &holdings[3]); // holds none
    assert_ptr_equal(gw_memory_take_excess(&memory), &holdings[1]);
    assert_null(gw_memory_take_excess(&memory));
    hold(3, 100);
    assert_ptr_equal(gw_memory_take_excess(&memory), &holdings[2]);
    assert_ptr_equal(gw_memory_take_excess(&memory), &holdings[0]);
    assert_null(gw_memory_take_excess(&memory));
    assert_int_equal(metrics.memory_ended_total, 3);
    assert_int_equal(metrics.memory_held_bytes, 100);
}

static void test_half_of_the_bound_is_tight(void **state) {
    (void)state;
    gw_memory_set_bound(&memory, 100, &metrics);
    hold(0, 50);
    assert_false(gw_memory_is_tight(&memory));
    hold(0, 51);
    assert_true(gw_memory_is_tight(&memory));
}

static void test_memory_is_given_back_once_a_crowd_has_gone(void **state) {
    (void)state;
    hold(0, 10 * MIB);
    hold(0, 0); // too little
    hold(0, 30 * MIB);
    hold(1, 70 * MIB);
    hold(1, 0);
    assert_int_equal(given_back_count, 0); // most are still there
    hold(0, 20 * MIB);
    assert_int_equal(given_back_count, 1);
    hold(0, 19 * MIB);
    assert_int_equal(given_back_count, 1);
    hold(0, 1);
    hold(0, 0);
    assert_int_equal(given_back_count, 2);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_held_is_counted),
        TEST(test_without_a_bound_nobody_is_ended),
        TEST(test_over_the_bound_the_one_that_got_on_least_recently_is_ended),
        TEST(test_half_of_the_bound_is_tight),
        TEST(test_memory_is_given_back_once_a_crowd_has_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
