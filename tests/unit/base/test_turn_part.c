// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

#include "base/turn_part.h"

#define SPIN_NS 2000000

static uint64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void spin(uint64_t ns) {
    for (uint64_t began_ns = now_ns(); now_ns() - began_ns < ns;)
        continue;
}

static void test_a_turn_without_parts_has_none(void **state) {
    (void)state;
    assert_null(gw_turn_part_take().name);
}

// A part that another takes up is one of its own only outside of it.
static void test_what_is_within_another_counts_to_that_one(void **state) {
    (void)state;
    uint64_t began_ns = now_ns();
    gw_turn_part_begin("outer");
    gw_turn_part_begin("inner");
    spin(SPIN_NS);
    gw_turn_part_end();
    gw_turn_part_end();
    const struct gw_turn_part part = gw_turn_part_take();
    assert_string_equal(part.name, "outer");
    assert_in_range(part.took_ns, SPIN_NS, now_ns() - began_ns);
    assert_null(gw_turn_part_take().name); // taken
}

static void test_a_part_that_runs_often_is_added_up(void **state) {
    (void)state;
    static const char often[] = "often";
    for (int i = 0; i < 3; i++) {
        gw_turn_part_begin(often);
        spin(SPIN_NS);
        gw_turn_part_end();
        gw_turn_part_begin("between");
        gw_turn_part_end();
    }
    const struct gw_turn_part part = gw_turn_part_take();
    assert_string_equal(part.name, "often");
    assert_true(part.took_ns >= 3 * (uint64_t)SPIN_NS);
}

static void test_more_names_than_there_is_room_for_do_no_harm(void **state) {
    (void)state;
    static const char names[100][2];
    for (int i = 0; i < 100; i++) {
        gw_turn_part_begin(names[i]);
        gw_turn_part_end();
    }
    assert_non_null(gw_turn_part_take().name);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_turn_without_parts_has_none),
        cmocka_unit_test(test_what_is_within_another_counts_to_that_one),
        cmocka_unit_test(test_a_part_that_runs_often_is_added_up),
        cmocka_unit_test(test_more_names_than_there_is_room_for_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
