// SPDX-License-Identifier: MIT
// Proves of db/params.c: values in wire form are what PostgreSQL documents, and the first failure
// is kept. No server needed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/params.h"

static struct gw_ip_range range_of(const char *text) {
    struct gw_ip_range range;
    assert_int_equal(gw_ip_range_parse(gw_str_from(text), &range), GW_OK);
    return range;
}

static struct db_params params;

static int start(void **state) {
    (void)state;
    db_params_init(&params);
    return 0;
}

static int end(void **state) {
    (void)state;
    db_params_deinit(&params);
    db_params_deinit(&params); // harmless
    return 0;
}

static void assert_value(int index, const char *wanted, size_t length) {
    assert_true(index < params.count);
    assert_int_equal(params.lengths[index], length);
    assert_memory_equal(params.values[index], wanted, length);
}

static void test_params_are_appended_in_order(void **state) {
    (void)state;
    db_put_int2(&params, -2);
    db_put_int8(&params, 0x0102030405060708);
    db_put_time(&params, 946684800001); // 2000-01-01 + 1 ms
    db_put_text(&params, GW_STR("text"));
    db_put_bytes(&params, (const unsigned char *)"a\0b", 3);
    assert_int_equal(params.count, 5);
    assert_value(0, "\xFF\xFE", 2);
    assert_value(1, "\1\2\3\4\5\6\7\10", 8);
    assert_value(2, "\0\0\0\0\0\0\x03\xE8", 8);
    assert_value(3, "text", 4);
    assert_value(4, "a\0b", 3);
    assert_int_equal(params.status, GW_OK);
}

static void test_params_that_are_null_are_not_empty(void **state) {
    (void)state;
    db_put_null(&params);
    db_put_time(&params, DB_NO_TIME);
    db_put_text_or_null(&params, gw_str(NULL, 0));
    for (int i = 0; i < 3; i++)
        assert_null(params.values[i]);
    db_put_text_or_null(&params, GW_STR(""));
    db_put_text(&params, gw_str(NULL, 0));
    for (int i = 3; i < 5; i++)
        assert_value(i, "", 0);
}

static void test_params_write_booleans(void **state) {
    (void)state;
    db_put_boolean(&params, true);
    db_put_boolean(&params, false);
    assert_value(0, "\1", 1);
    assert_value(1, "\0", 1);
}

static void test_params_keep_the_failure_of_a_time_that_postgresql_has_not(void **state) {
    (void)state;
    static const int64_t bad[] = {253402300800000, INT64_MAX, INT64_MIN + 1, -62135596800001};
    db_put_time(&params, 253402300799999);
    db_put_time(&params, -62135596800000);
    assert_int_equal(params.status, GW_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        db_params_init(&params);
        db_put_time(&params, bad[i]);
        db_put_boolean(&params, true); // goes on
        assert_int_equal(params.count, 2);
        assert_int_equal(params.status, GW_INVALID);
    }
}

static void test_params_write_arrays_of_text(void **state) {
    (void)state;
    db_put_array(&params, DB_ARRAY_TEXT, 3, 6); // one more than there will be
    db_add_text(&params, GW_STR("ab"));
    db_add_text(&params, GW_STR("\"},{"));
    static const char wanted[] = "\0\0\0\1\0\0\0\0\0\0\0\x19\0\0\0\2\0\0\0\1"
                                 "\0\0\0\2ab\0\0\0\4\"},{";
    assert_value(0, wanted, sizeof(wanted) - 1);
}

static void test_params_hold_several_arrays(void **state) {
    (void)state;
    db_put_array(&params, DB_ARRAY_TEXT, 1, 1);
    db_add_text(&params, GW_STR("a"));
    db_put_array(&params, DB_ARRAY_TIMESTAMPTZ, 2, 2 * DB_TIME_BYTES);
    db_add_time(&params, 946684800001);
    static const char text[] = "\0\0\0\1\0\0\0\0\0\0\0\x19\0\0\0\1\0\0\0\1\0\0\0\1a";
    static const char time[] = "\0\0\0\1\0\0\0\0\0\0\x04\xA0\0\0\0\1\0\0\0\1\0\0\0\x08"
                               "\0\0\0\0\0\0\x03\xE8";
    assert_value(0, text, sizeof(text) - 1);
    assert_value(1, time, sizeof(time) - 1);
    db_add_time(&params, INT64_MAX);
    assert_int_equal(params.status, GW_INVALID);
}

static void test_params_write_arrays_of_address_ranges(void **state) {
    (void)state;
    const struct gw_ip_range v4 = range_of("10.0.0.0/8");
    const struct gw_ip_range v6 = range_of("2001:db8::/32");
    db_put_array(&params, DB_ARRAY_CIDR, 2, 2 * DB_IP_RANGE_BYTES_MAX);
    db_add_ip_range(&params, &v4);
    db_add_ip_range(&params, &v6);
    static const char wanted[] = "\0\0\0\1\0\0\0\0\0\0\x02\x8A\0\0\0\2\0\0\0\1"
                                 "\0\0\0\x08\2\x08\1\4\x0A\0\0\0"
                                 "\0\0\0\x14\3\x20\1\x10\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\0";
    assert_value(0, wanted, sizeof(wanted) - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_params_are_appended_in_order, start, end),
        cmocka_unit_test_setup_teardown(test_params_that_are_null_are_not_empty, start, end),
        cmocka_unit_test_setup_teardown(test_params_write_booleans, start, end),
        cmocka_unit_test_setup_teardown(
            test_params_keep_the_failure_of_a_time_that_postgresql_has_not, start, end),
        cmocka_unit_test_setup_teardown(test_params_write_arrays_of_text, start, end),
        cmocka_unit_test_setup_teardown(test_params_hold_several_arrays, start, end),
        cmocka_unit_test_setup_teardown(test_params_write_arrays_of_address_ranges, start, end),
    };
    return cmocka_run_group_tests_name("params", tests, NULL, NULL);
}
