// SPDX-License-Identifier: MIT
// Proves of db/pg_binary.c: values in wire form are what PostgreSQL documents, and columns of a strange shape read as
// null instead of as memory that is not theirs. No server needed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "db/pg_binary.h"

static void test_pg_binary_writes_integers_and_times_big_endian(void **state) {
    (void)state;
    struct db_query query;
    char two[2];
    char eight[8];
    db_set_int2(&query, 0, -2, two);
    assert_int_equal(query.lengths[0], 2);
    assert_memory_equal(query.values[0], "\xFF\xFE", 2);
    db_set_int8(&query, 1, 0x0102030405060708, eight);
    assert_memory_equal(query.values[1], "\1\2\3\4\5\6\7\10", 8);
    assert_int_equal(db_set_time(&query, 2, 946684800001, eight), GW_OK); // 2000-01-01 + 1 ms
    assert_memory_equal(query.values[2], "\0\0\0\0\0\0\x03\xE8", 8);
    assert_int_equal(query.formats[2], 1);
}

static void test_pg_binary_times_have_null_and_bounds(void **state) {
    (void)state;
    struct db_query query;
    char eight[8];
    assert_int_equal(db_set_time(&query, 0, DB_TIME_NULL, eight), GW_OK);
    assert_null(query.values[0]);
    assert_int_equal(db_set_time(&query, 0, 253402300799999, eight), GW_OK);
    assert_int_equal(db_set_time(&query, 0, 253402300800000, eight), GW_INVALID);
    assert_int_equal(db_set_time(&query, 0, INT64_MAX, eight), GW_INVALID);
    assert_int_equal(db_set_time(&query, 0, INT64_MIN + 1, eight), GW_INVALID);
}

static void test_pg_binary_writes_booleans_and_bytes_that_are_null(void **state) {
    (void)state;
    struct db_query query;
    db_set_boolean(&query, 0, true);
    db_set_boolean(&query, 1, false);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(query.lengths[i], 1);
        assert_int_equal(query.values[i][0], i == 0);
    }
    db_set_bytes_or_null(&query, 2, gw_str(NULL, 0));
    assert_null(query.values[2]);
    db_set_bytes_or_null(&query, 2, GW_STR(""));
    assert_non_null(query.values[2]);
}

static void test_pg_binary_writes_arrays(void **state) {
    (void)state;
    char memory[64];
    struct db_array array;
    db_array_start(&array, memory, DB_OID_TEXT);
    db_array_add_text(&array, GW_STR("ab"));
    db_array_add_text(&array, GW_STR("\"},{"));
    struct gw_str bytes = db_array_finish(&array);
    static const char wanted[] = "\0\0\0\1\0\0\0\0\0\0\0\x19\0\0\0\2\0\0\0\1"
                                 "\0\0\0\2ab\0\0\0\4\"},{";
    assert_int_equal(bytes.length, sizeof(wanted) - 1);
    assert_int_equal(bytes.length, db_array_bytes(2, 6));
    assert_memory_equal(bytes.at, wanted, bytes.length);
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
        char value[16] = "";
        if (lengths[i] > 0)
            memcpy(value, values[i], (size_t)lengths[i]);
        assert_int_equal(PQsetvalue(result, 0, i, value, lengths[i]), 1);
    }
    return result;
}

static void test_pg_binary_reads_integers_of_every_width(void **state) {
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

static void test_pg_binary_reads_booleans(void **state) {
    (void)state;
    const char *values[] = {"\1", "\0", NULL, "\1\1"};
    PGresult *result = make_result(values, (int[]){1, 1, -1, 2}, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(db_get_boolean(result, 0, i), i == 0);
    PQclear(result);
}

static void test_pg_binary_reads_a_strange_width_as_null(void **state) {
    (void)state;
    const char *values[] = {"\1", "\1\2\3", "123456789", ""};
    PGresult *result = make_result(values, (int[]){1, 3, 9, 0}, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(db_get_int(result, 0, i, 7), 7);
        assert_true(db_get_time(result, 0, i) == DB_TIME_NULL);
    }
    PQclear(result);
}

static void test_pg_binary_reads_times_down_to_the_millisecond_below(void **state) {
    (void)state;
    const char *values[] = {"\0\0\0\0\0\0\x07\xCF", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
                            "\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF", "\x80\0\0\0\0\0\0\0"};
    PGresult *result = make_result(values, (int[]){8, 8, 8, 8}, 4);
    assert_true(db_get_time(result, 0, 0) == 946684800001); // 1999 microseconds
    assert_true(db_get_time(result, 0, 1) == 946684799999); // 1 before
    assert_true(db_get_time(result, 0, 2) == DB_TIME_NULL); // infinity
    assert_true(db_get_time(result, 0, 3) == DB_TIME_NULL); // -infinity
    PQclear(result);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pg_binary_writes_integers_and_times_big_endian),
        cmocka_unit_test(test_pg_binary_times_have_null_and_bounds),
        cmocka_unit_test(test_pg_binary_writes_booleans_and_bytes_that_are_null),
        cmocka_unit_test(test_pg_binary_reads_booleans),
        cmocka_unit_test(test_pg_binary_writes_arrays),
        cmocka_unit_test(test_pg_binary_reads_integers_of_every_width),
        cmocka_unit_test(test_pg_binary_reads_a_strange_width_as_null),
        cmocka_unit_test(test_pg_binary_reads_times_down_to_the_millisecond_below),
    };
    return cmocka_run_group_tests_name("pg_binary", tests, NULL, NULL);
}
