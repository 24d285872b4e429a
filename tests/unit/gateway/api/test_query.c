// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/api/query.h"

static void assert_next(struct gw_str *query, const char *name, const char *value) {
    struct gw_str own_name;
    struct gw_str own_value;
    assert_true(gw_query_next(query, &own_name, &own_value));
    assert_true(gw_str_equal(own_name, gw_str_from(name)));
    assert_true(gw_str_equal(own_value, gw_str_from(value)));
}

static void test_parameters_come_one_by_one_and_raw(void **state) {
    (void)state;
    struct gw_str name;
    struct gw_str value;
    struct gw_str query = gw_str_from("a=1&b&=c&d=e=f&&g=%20");
    assert_next(&query, "a", "1");
    assert_next(&query, "b", "");
    assert_next(&query, "", "c");
    assert_next(&query, "d", "e=f");
    assert_next(&query, "", "");
    assert_next(&query, "g", "%20");
    assert_false(gw_query_next(&query, &name, &value));
    query = gw_str(NULL, 0);
    assert_false(gw_query_next(&query, &name, &value));
}

static void test_numbers_are_from_one_to_the_highest(void **state) {
    (void)state;
    uint32_t number = 0;
    assert_true(gw_query_number(GW_STR("1"), 200, &number));
    assert_int_equal(number, 1);
    assert_true(gw_query_number(GW_STR("200"), 200, &number));
    assert_int_equal(number, 200);
    assert_false(gw_query_number(GW_STR("0"), 200, &number));
    assert_false(gw_query_number(GW_STR("201"), 200, &number));
    assert_false(gw_query_number(GW_STR(""), 200, &number));
    assert_false(gw_query_number(GW_STR("4294967297"), 200, &number));
    assert_int_equal(number, 200);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters_come_one_by_one_and_raw),
        cmocka_unit_test(test_numbers_are_from_one_to_the_highest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
