// SPDX-License-Identifier: MIT
// Proves of gateway/issuers/unknown_kids.c: an id is known by when it was seen first, until newer
// ones have taken its place.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/issuers/unknown_kids.h"

static void test_the_first_time_counts(void **state) {
    (void)state;
    struct gw_unknown_kids kids = {.count = 0};
    assert_int_equal(gw_unknown_kids_note(&kids, 7, 100), 100);
    assert_int_equal(gw_unknown_kids_note(&kids, 8, 200), 200);
    assert_int_equal(gw_unknown_kids_note(&kids, 7, 300), 100);
    assert_int_equal(kids.count, 2);
}

static void test_the_oldest_makes_room(void **state) {
    (void)state;
    struct gw_unknown_kids kids = {.count = 0};
    for (int i = 0; i < GW_UNKNOWN_KIDS_MAX; i++)
        assert_int_equal(gw_unknown_kids_note(&kids, (uint64_t)i, i), i);
    assert_int_equal(gw_unknown_kids_note(&kids, 1000, 500), 500);
    assert_int_equal(kids.count, GW_UNKNOWN_KIDS_MAX);
    assert_int_equal(gw_unknown_kids_note(&kids, 1, 600), 1);
    assert_int_equal(gw_unknown_kids_note(&kids, 0, 700), 700);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_time_counts),
        cmocka_unit_test(test_the_oldest_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
