// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/edit_distance.h"

static void test_edit_distance_counts_each_kind_of_slip_once(void **state) {
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        size_t distance;
    } cases[] = {
        {"", "", 0},
        {"list", "list", 0},
        {"lst", "list", 1},
        {"lisst", "list", 1},
        {"lost", "list", 1},
        {"lsit", "list", 1},
        {"", "list", 4},
        {"revoke", "rotate", 4},
        {"tokens", "token", 1},
        {"itsl", "list", 3},
        {"tokenlist", "token list", 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gw_str a = gw_str_from(cases[i].a);
        struct gw_str b = gw_str_from(cases[i].b);
        assert_int_equal(gw_edit_distance(a, b), cases[i].distance);
        assert_int_equal(gw_edit_distance(b, a), cases[i].distance);
    }
}

static void test_edit_distance_compares_the_beginning_of_a_long_word(void **state) {
    (void)state;
    char word[3 * GW_EDIT_DISTANCE_WORD_MAX];
    memset(word, 'a', sizeof(word));
    assert_int_equal(gw_edit_distance(gw_str(word, sizeof(word)), GW_STR("")),
                     GW_EDIT_DISTANCE_WORD_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edit_distance_counts_each_kind_of_slip_once),
        cmocka_unit_test(test_edit_distance_compares_the_beginning_of_a_long_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
