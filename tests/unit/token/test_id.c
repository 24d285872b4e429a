// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "token/id.h"

#define MANY 2000

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int compare_ids(const void *a, const void *b) {
    return strcmp(a, b);
}

static void test_ids_are_unique_and_what_is_said_of_them(void **state) {
    (void)state;
    static char ids[MANY][GW_ID_LENGTH + 1];
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(gw_id_make(ids[i]), GW_OK);
        assert_int_equal(strlen(ids[i]), GW_ID_LENGTH);
        assert_memory_equal(ids[i], "cl", 2);
        assert_true(gw_id_valid(gw_str_from(ids[i])));
    }
    qsort(ids, MANY, sizeof(ids[0]), compare_ids);
    for (size_t i = 1; i < MANY; i++)
        assert_string_not_equal(ids[i - 1], ids[i]);
}

static void test_ids_sort_by_age(void **state) {
    (void)state;
    char first[GW_ID_LENGTH + 1];
    char second[GW_ID_LENGTH + 1];
    assert_int_equal(gw_id_make(first), GW_OK);
    int64_t now_ms = gw_clock_wall_ms();
    while (gw_clock_wall_ms() <= now_ms) // the next millisecond
        continue;
    assert_int_equal(gw_id_make(second), GW_OK);
    assert_true(strcmp(first, second) < 0);
}

static void test_ids_of_clients(void **state) {
    (void)state;
    static const char *const good[] = {"clx7f2k3a", "0", "abcdefghijklmnopqrstuvwxyz012345"};
    static const char *const bad[] = {"",
                                      "Clx",
                                      "cl-x",
                                      "cl_x",
                                      "cl x",
                                      "cl%78",
                                      "cl.x",
                                      "cl'",
                                      "cl/x",
                                      "\xc3\xa4",
                                      "abcdefghijklmnopqrstuvwxyz0123456"};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(gw_id_valid(gw_str_from(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(gw_id_valid(gw_str_from(bad[i])));
    assert_false(gw_id_valid(GW_STR("cl\0x")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_are_unique_and_what_is_said_of_them),
        cmocka_unit_test(test_ids_sort_by_age),
        cmocka_unit_test(test_ids_of_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
