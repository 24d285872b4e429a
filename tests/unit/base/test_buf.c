// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static void assert_holds(const struct gw_buf *buf, const char *expected) {
    assert_true(gw_str_equal(gw_buf_bytes(buf), gw_str_from(expected)));
}

static void test_bytes_come_out_in_order(void **state) {
    (void)state;
    struct gw_buf buf;
    gw_buf_init(&buf, 1024);
    assert_holds(&buf, "");
    assert_int_equal(gw_buf_append(&buf, "abc", 3), GW_OK);
    assert_int_equal(gw_buf_append_str(&buf, GW_STR("def")), GW_OK);
    assert_int_equal(gw_buf_append(&buf, NULL, 0), GW_OK);
    assert_int_equal(gw_buf_printf(&buf, "-%03d", 7), GW_OK);
    assert_holds(&buf, "abcdef-007");
    gw_buf_take(&buf, 4);
    assert_holds(&buf, "ef-007");
    assert_int_equal(gw_buf_length(&buf), 6);
    gw_buf_deinit(&buf);
}

static void test_append_past_the_cap_changes_nothing(void **state) {
    (void)state;
    struct gw_buf buf;
    gw_buf_init(&buf, 10);
    assert_int_equal(gw_buf_append(&buf, "12345678", 8), GW_OK);
    assert_int_equal(gw_buf_append(&buf, "abc", 3), GW_TOO_BIG);
    assert_int_equal(gw_buf_printf(&buf, "%s", "abc"), GW_TOO_BIG);
    char *at;
    assert_int_equal(gw_buf_reserve(&buf, SIZE_MAX, &at), GW_TOO_BIG);
    assert_holds(&buf, "12345678");
    assert_int_equal(gw_buf_append(&buf, "ab", 2), GW_OK);
    assert_holds(&buf, "12345678ab");
    gw_buf_deinit(&buf);
}

static void test_printf_fills_the_buffer_to_its_last_byte(void **state) {
    (void)state;
    struct gw_buf buf;
    gw_buf_init(&buf, 10);
    assert_int_equal(gw_buf_printf(&buf, "%s", "0123456789"), GW_OK);
    assert_holds(&buf, "0123456789");
    assert_int_equal(gw_buf_printf(&buf, "%s", ""), GW_OK);
    assert_int_equal(gw_buf_printf(&buf, "%c", 'x'), GW_TOO_BIG);
    gw_buf_deinit(&buf);
}

static void test_bytes_are_taken_back_from_the_end(void **state) {
    (void)state;
    struct gw_buf buf;
    gw_buf_init(&buf, 100);
    assert_int_equal(gw_buf_append_str(&buf, GW_STR("abcdef")), GW_OK);
    gw_buf_take(&buf, 1);
    gw_buf_take_back(&buf, 2);
    assert_true(gw_str_equal(gw_buf_bytes(&buf), GW_STR("bcd")));
    assert_int_equal(gw_buf_append_str(&buf, GW_STR("x")), GW_OK);
    assert_true(gw_str_equal(gw_buf_bytes(&buf), GW_STR("bcdx")));
    gw_buf_take_back(&buf, 4);
    assert_int_equal(gw_buf_length(&buf), 0);
    gw_buf_deinit(&buf);
}

static void test_room_taken_from_the_front_can_be_used_again(void **state) {
    (void)state;
    struct gw_buf buf;
    gw_buf_init(&buf, 10);
    assert_int_equal(gw_buf_append(&buf, "0123456789", 10), GW_OK);
    gw_buf_take(&buf, 2);
    assert_int_equal(gw_buf_append(&buf, "ab", 2), GW_OK);
    assert_holds(&buf, "23456789ab");
    gw_buf_deinit(&buf);
}

static void test_taking_the_last_byte_rewinds(void **state) {
    (void)state;
    struct gw_buf buf;
    gw_buf_init(&buf, 4096);
    char *memory = NULL;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(gw_buf_append(&buf, "0123456789", 10), GW_OK);
        if (memory == NULL)
            memory = buf.memory;
        assert_ptr_equal(gw_buf_bytes(&buf).at, memory);
        gw_buf_take(&buf, 10);
    }
    gw_buf_deinit(&buf);
}

static void test_growth_keeps_the_bytes_and_stops_at_the_cap(void **state) {
    (void)state;
    struct gw_buf buf;
    gw_buf_init(&buf, 100003);
    size_t appended = 0;
    while (gw_buf_append(&buf, &(unsigned char){(unsigned char)appended}, 1) == GW_OK)
        appended++;
    assert_int_equal(appended, 100003);
    assert_int_equal(buf.capacity, 100003);
    struct gw_str bytes = gw_buf_bytes(&buf);
    for (size_t i = 0; i < bytes.length; i++)
        assert_int_equal((unsigned char)bytes.at[i], i & 0xFF);
    gw_buf_deinit(&buf);
}

// A reader that stays behind by many bytes must not make each append move them all.
static void test_a_slow_reader_does_not_make_appends_quadratic(void **state) {
    (void)state;
    struct gw_buf buf;
    gw_buf_init(&buf, (size_t)1 << 30);
    static const char block[4096];
    for (int i = 0; i < 64; i++)
        assert_int_equal(gw_buf_append(&buf, block, sizeof(block)), GW_OK);
    size_t moves = 0;
    size_t last_start = buf.start;
    for (int i = 0; i < 100000; i++) {
        gw_buf_take(&buf, 16);
        assert_int_equal(gw_buf_append(&buf, block, 16), GW_OK);
        moves += buf.start < last_start;
        last_start = buf.start;
    }
    assert_true(moves <= 16);
    gw_buf_deinit(&buf);
}

static void test_reserve_gives_room_in_one_piece(void **state) {
    (void)state;
    struct gw_buf buf;
    char *at;
    gw_buf_init(&buf, 5000);
    assert_int_equal(gw_buf_append(&buf, "ab", 2), GW_OK);
    assert_int_equal(gw_buf_reserve(&buf, 4998, &at), GW_OK);
    memset(at, 'c', 4998);
    gw_buf_commit(&buf, 1);
    assert_holds(&buf, "abc");
    gw_buf_deinit(&buf);
}

static void test_deinit_frees_and_allows_use_again(void **state) {
    (void)state;
    struct gw_buf buf;
    gw_buf_init(&buf, 100);
    assert_int_equal(gw_buf_append(&buf, "abc", 3), GW_OK);
    gw_buf_clear(&buf);
    assert_holds(&buf, "");
    gw_buf_deinit(&buf);
    assert_null(buf.memory);
    assert_holds(&buf, "");
    assert_int_equal(gw_buf_append(&buf, "abc", 3), GW_OK);
    assert_holds(&buf, "abc");
    gw_buf_deinit(&buf);
}

static void test_deinit_wiped_frees_and_allows_use_again(void **state) {
    (void)state;
    struct gw_buf buf;
    gw_buf_init(&buf, 100);
    gw_buf_deinit_wiped(&buf);
    assert_int_equal(gw_buf_append(&buf, "secret", 6), GW_OK);
    gw_buf_deinit_wiped(&buf);
    assert_null(buf.memory);
    assert_int_equal(gw_buf_append(&buf, "abc", 3), GW_OK);
    assert_holds(&buf, "abc");
    gw_buf_deinit(&buf);
}

static void test_a_lent_block_is_used_to_its_end_and_given_back(void **state) {
    (void)state;
    struct gw_buf buf;
    char *block = malloc(11);
    size_t bytes = 0;
    gw_buf_init(&buf, 100);
    gw_buf_adopt(&buf, block, 11);
    assert_int_equal(gw_buf_printf(&buf, "%s", "0123456789"), GW_OK);
    assert_ptr_equal(gw_buf_bytes(&buf).at, block);
    gw_buf_take(&buf, 10);
    assert_ptr_equal(gw_buf_release(&buf, &bytes), block);
    assert_int_equal(bytes, 11);
    assert_null(gw_buf_release(&buf, &bytes));
    assert_int_equal(bytes, 0);
    free(block);
}

static void test_a_lent_block_may_be_outgrown(void **state) {
    (void)state;
    struct gw_buf buf;
    size_t bytes = 0;
    gw_buf_init(&buf, 100);
    gw_buf_adopt(&buf, malloc(4), 4);
    assert_int_equal(gw_buf_append(&buf, "abc", 3), GW_OK);
    assert_int_equal(gw_buf_append(&buf, "def", 3), GW_OK);
    assert_holds(&buf, "abcdef");
    gw_buf_clear(&buf);
    free(gw_buf_release(&buf, &bytes));
    assert_in_range(bytes, 7, 101);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_come_out_in_order),
        cmocka_unit_test(test_append_past_the_cap_changes_nothing),
        cmocka_unit_test(test_printf_fills_the_buffer_to_its_last_byte),
        cmocka_unit_test(test_bytes_are_taken_back_from_the_end),
        cmocka_unit_test(test_room_taken_from_the_front_can_be_used_again),
        cmocka_unit_test(test_taking_the_last_byte_rewinds),
        cmocka_unit_test(test_growth_keeps_the_bytes_and_stops_at_the_cap),
        cmocka_unit_test(test_a_slow_reader_does_not_make_appends_quadratic),
        cmocka_unit_test(test_reserve_gives_room_in_one_piece),
        cmocka_unit_test(test_deinit_frees_and_allows_use_again),
        cmocka_unit_test(test_deinit_wiped_frees_and_allows_use_again),
        cmocka_unit_test(test_a_lent_block_is_used_to_its_end_and_given_back),
        cmocka_unit_test(test_a_lent_block_may_be_outgrown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
