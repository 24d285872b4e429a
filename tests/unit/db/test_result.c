// SPDX-License-Identifier: MIT
// Proves of db/result.c: columns read as PostgreSQL documents their wire form, and those of a
// strange shape as null instead of as memory that is not theirs. No server needed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/params.h"
#include "db/result.h"
#include "token/limits.h"

static struct gw_ip_range range_of(const char *text) {
    struct gw_ip_range range;
    assert_int_equal(gw_ip_range_parse(gw_str_from(text), &range), GW_OK);
    return range;
}

// A result of one row with these columns, as a server would have sent it.
static PGresult *make_result(const char *const *values, const int *lengths, int count) {
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    assert_non_null(result);
    PGresAttDesc columns[8];
    memset(columns, 0, sizeof(columns));
    char name[] = "column";
    for (int i = 0; i < count; i++) {
        columns[i].name = name;
        columns[i].format = 1;
    }
    assert_int_equal(PQsetResultAttrs(result, count, columns), 1);
    for (int i = 0; i < count; i++) {
        char value[256] = "";
        if (lengths[i] > 0)
            memcpy(value, values[i], (size_t)lengths[i]);
        assert_int_equal(PQsetvalue(result, 0, i, value, lengths[i]), 1);
    }
    return result;
}

static void test_result_reads_integers_of_every_width(void **state) {
    (void)state;
    const char *values[] = {"\xFF\xFE", "\x80\0\0\0", "\0\0\0\1\0\0\0\0", NULL};
    PGresult *result = make_result(values, (int[]){2, 4, 8, -1}, 4);
    assert_int_equal(db_get_int(result, 0, 0, 7), -2);
    assert_int_equal(db_get_int(result, 0, 1, 7), INT32_MIN);
    assert_true(db_get_int(result, 0, 2, 7) == 4294967296);
    assert_int_equal(db_get_int(result, 0, 3, 7), 7);
    assert_null(db_get_bytes(result, 0, 3).at);
    PQclear(result);
}

static void test_result_reads_booleans(void **state) {
    (void)state;
    const char *values[] = {"\1", "\0", NULL, "\1\1"};
    PGresult *result = make_result(values, (int[]){1, 1, -1, 2}, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(db_get_boolean(result, 0, i), i == 0);
    PQclear(result);
}

static void test_result_reads_a_strange_width_as_null(void **state) {
    (void)state;
    const char *values[] = {"\1", "\1\2\3", "123456789", ""};
    PGresult *result = make_result(values, (int[]){1, 3, 9, 0}, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(db_get_int(result, 0, i, 7), 7);
        assert_true(db_get_time(result, 0, i) == DB_NO_TIME);
    }
    PQclear(result);
}

static void test_result_reads_ranges_of_addresses_as_they_were_written(void **state) {
    (void)state;
    const struct gw_ip_range given[] = {range_of("10.0.0.0/8"), range_of("192.0.2.7"),
                                        range_of("2001:db8::/32"), range_of("::/0")};
    struct db_params params;
    db_params_init(&params);
    db_put_array(&params, DB_ARRAY_CIDR, 4, 4 * DB_IP_RANGE_BYTES_MAX);
    for (int i = 0; i < 4; i++)
        db_add_ip_range(&params, &given[i]);
    const char *values[] = {params.values[0], NULL};
    PGresult *result = make_result(values, (int[]){params.lengths[0], -1}, 2);
    db_params_deinit(&params);
    struct gw_ip_range ranges[GW_ALLOWED_IPS_MAX];
    uint8_t count = 7;
    assert_int_equal(db_get_ip_ranges(result, 0, 0, ranges, &count), GW_OK);
    assert_int_equal(count, 4);
    assert_memory_equal(ranges, given, sizeof(given));
    assert_int_equal(db_get_ip_ranges(result, 0, 1, ranges, &count), GW_OK);
    assert_int_equal(count, 0); // null
    PQclear(result);
}

// A restriction that cannot be read must never look like none.
static void test_result_reads_no_strange_ranges(void **state) {
    (void)state;
#define ARRAY_OF(count) "\0\0\0\1\0\0\0\0\0\0\x02\x8A\0\0\0" count "\0\0\0\1"
    static const struct gw_str values[] = {
        GW_STR_INIT("\0\0\0\0\0\0\0\0\0\0\x02\x8A"),                    // empty
        GW_STR_INIT(ARRAY_OF("\0")),                                    // as well
        GW_STR_INIT(ARRAY_OF("\1")),                                    // cut short
        GW_STR_INIT(ARRAY_OF("\1") "\xFF\xFF\xFF\xFF"),                 // a null
        GW_STR_INIT(ARRAY_OF("\1") "\0\0\0\x08\2\x08\1\4\x0A\0\0"),     // too short
        GW_STR_INIT(ARRAY_OF("\1") "\0\0\0\x08\2\x21\1\4\x0A\0\0\0"),   // 33 bits
        GW_STR_INIT(ARRAY_OF("\1") "\0\0\0\x08\4\x08\1\4\x0A\0\0\0"),   // no such family
        GW_STR_INIT(ARRAY_OF("\1") "\0\0\0\x08\3\x08\1\4\x0A\0\0\0"),   // the other one
        GW_STR_INIT(ARRAY_OF("\x21") "\0\0\0\x08\2\x08\1\4\x0A\0\0\0"), // 33 elements
        GW_STR_INIT("\0\0\0\2\0\0\0\0\0\0\x02\x8A\0\0\0\1\0\0\0\1"),    // two dimensions
    };
#undef ARRAY_OF
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        const char *value = values[i].at;
        PGresult *result = make_result(&value, (int[]){(int)values[i].length}, 1);
        struct gw_ip_range ranges[GW_ALLOWED_IPS_MAX];
        uint8_t count;
        if (db_get_ip_ranges(result, 0, 0, ranges, &count) != GW_INVALID)
            fail_msg("value %zu is read", i);
        PQclear(result);
    }
}

static void test_result_reads_times_down_to_the_millisecond_below(void **state) {
    (void)state;
    const char *values[] = {"\0\0\0\0\0\0\x07\xCF", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
                            "\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "\x80\0\0\0\0\0\0\0"};
    PGresult *result = make_result(values, (int[]){8, 8, 8, 8}, 4);
    assert_true(db_get_time(result, 0, 0) == 946684800001);     // 1999 microseconds
    assert_true(db_get_time(result, 0, 1) == 946684799999);     // 1 before
    assert_true(db_get_time(result, 0, 2) == DB_NO_TIME);       // infinity
    assert_true(db_get_time(result, 0, 3) == DB_TIME_FIRST_MS); // -infinity
    PQclear(result);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_result_reads_integers_of_every_width),
        cmocka_unit_test(test_result_reads_booleans),
        cmocka_unit_test(test_result_reads_a_strange_width_as_null),
        cmocka_unit_test(test_result_reads_ranges_of_addresses_as_they_were_written),
        cmocka_unit_test(test_result_reads_no_strange_ranges),
        cmocka_unit_test(test_result_reads_times_down_to_the_millisecond_below),
    };
    return cmocka_run_group_tests_name("result", tests, NULL, NULL);
}
