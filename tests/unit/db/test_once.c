// SPDX-License-Identifier: MIT
// Proves of db/once.c: a line is new once, and the table does not grow.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "db/once.h"

static void test_once_a_line_is_new_the_first_time(void **state) {
    (void)state;
    struct db_once once = {.count = 0};
    assert_true(db_once_is_new(&once, "connection refused"));
    assert_true(db_once_is_new(&once, "no answer"));
    assert_false(db_once_is_new(&once, "connection refused"));
    assert_false(db_once_is_new(&once, "no answer"));
}

static void test_once_forgets_when_it_is_zero_again(void **state) {
    (void)state;
    struct db_once once = {.count = 0};
    assert_true(db_once_is_new(&once, "connection refused"));
    once = (struct db_once){.count = 0};
    assert_true(db_once_is_new(&once, "connection refused"));
}

static void test_once_past_its_room_no_line_is_new(void **state) {
    (void)state;
    struct db_once once = {.count = 0};
    for (int i = 0; i < DB_ONCE_MAX + 3; i++) {
        char line[32];
        (void)snprintf(line, sizeof(line), "reason %d", i);
        assert_int_equal(db_once_is_new(&once, line), i < DB_ONCE_MAX);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once_a_line_is_new_the_first_time),
        cmocka_unit_test(test_once_forgets_when_it_is_zero_again),
        cmocka_unit_test(test_once_past_its_room_no_line_is_new),
    };
    return cmocka_run_group_tests_name("once", tests, NULL, NULL);
}
