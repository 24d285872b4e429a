// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <string.h>

#include "base/str.h"

static void assert_str(struct gw_str str, const char *expected) {
    assert_int_equal(str.length, strlen(expected));
    if (str.length > 0)
        assert_memory_equal(str.at, expected, str.length);
}

static void test_null_becomes_the_empty_slice(void **state) {
    (void)state;
    assert_int_equal(gw_str_from(NULL).length, 0);
    assert_str(gw_str_from("abc"), "abc");
}

static void test_equality_looks_at_length_and_bytes(void **state) {
    (void)state;
    assert_true(gw_str_equal(GW_STR("abc"), GW_STR("abc")));
    assert_true(gw_str_equal(gw_str(NULL, 0), GW_STR("")));
    assert_true(gw_str_equal(GW_STR("a\0b"), GW_STR("a\0b")));
    assert_false(gw_str_equal(GW_STR("a\0b"), GW_STR("a\0c")));
    assert_false(gw_str_equal(GW_STR("abc"), GW_STR("ab")));
    assert_false(gw_str_equal(GW_STR("abc"), GW_STR("ABC")));
}

static void test_order_is_that_of_the_bytes(void **state) {
    (void)state;
    assert_int_equal(gw_str_compare(GW_STR("abc"), GW_STR("abc")), 0);
    assert_int_equal(gw_str_compare(gw_str(NULL, 0), GW_STR("")), 0);
    assert_true(gw_str_compare(GW_STR("abc"), GW_STR("abd")) < 0);
    assert_true(gw_str_compare(GW_STR("b"), GW_STR("abd")) > 0);
    assert_true(gw_str_compare(GW_STR("ab"), GW_STR("abc")) < 0);
    assert_true(gw_str_compare(GW_STR("abc"), GW_STR("ab")) > 0);
    assert_true(gw_str_compare(GW_STR("a\xC3"), GW_STR("az")) > 0); // bytes have no sign
}

static void test_case_folds_for_ascii_letters_only(void **state) {
    (void)state;
    assert_true(gw_str_equal_nocase(GW_STR("Content-LENGTH"), GW_STR("content-length")));
    assert_false(gw_str_equal_nocase(GW_STR("a"), GW_STR("ab")));
    // neighbours of the letters that differ in the same bit
    assert_false(gw_str_equal_nocase(GW_STR("@"), GW_STR("`")));
    assert_false(gw_str_equal_nocase(GW_STR("["), GW_STR("{")));
    assert_false(gw_str_equal_nocase(GW_STR("\xC3\x84"), GW_STR("\xC3\xA4")));
}

// Several bytes are compared at once: what is equal depends neither on where it stands nor on its
// neighbours.
static void test_case_folds_alike_wherever_a_byte_stands(void **state) {
    (void)state;
    char left[19];
    char right[19];
    for (int a = 0; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            bool is_same = a == b || (a < 128 && b < 128 && isalpha(a) && isalpha(b) &&
                                      tolower(a) == tolower(b));
            for (size_t at = 0; at < sizeof(left); at++) {
                memset(left, 'z', sizeof(left));
                memset(right, 'Z', sizeof(right));
                left[at] = (char)a;
                right[at] = (char)b;
                assert_int_equal(
                    gw_str_equal_nocase(gw_str(left, sizeof(left)), gw_str(right, sizeof(right))),
                    is_same);
            }
        }
    }
}

static void test_starts_with_compares_the_whole_prefix(void **state) {
    (void)state;
    assert_true(gw_str_starts_with(GW_STR("sr_live_x"), GW_STR("sr_live_")));
    assert_true(gw_str_starts_with(GW_STR("x"), gw_str(NULL, 0)));
    assert_false(gw_str_starts_with(GW_STR("sr_live"), GW_STR("sr_live_")));
    assert_false(gw_str_starts_with(GW_STR("sr_test_x"), GW_STR("sr_live_")));
}

static void test_find_gives_the_first_index_or_the_length(void **state) {
    (void)state;
    assert_int_equal(gw_str_find(GW_STR("a:b:c"), ':'), 1);
    assert_int_equal(gw_str_find(GW_STR("abc"), ':'), 3);
    assert_int_equal(gw_str_find(gw_str(NULL, 0), ':'), 0);
}

static void test_slice_clamps_both_ends(void **state) {
    (void)state;
    assert_str(gw_str_slice(GW_STR("abcdef"), 2, 4), "cd");
    assert_str(gw_str_slice(GW_STR("abcdef"), 2, 99), "cdef");
    assert_str(gw_str_slice(GW_STR("abcdef"), 99, 100), "");
    assert_str(gw_str_slice(GW_STR("abcdef"), 4, 2), "");
    assert_int_equal(gw_str_slice(gw_str(NULL, 0), 0, 5).length, 0);
}

static void test_trim_removes_spaces_and_tabs_only(void **state) {
    (void)state;
    assert_str(gw_str_trim(GW_STR(" \t a b\t ")), "a b");
    assert_str(gw_str_trim(GW_STR(" \t ")), "");
    assert_str(gw_str_trim(GW_STR("\r\na\v")), "\r\na\v");
    assert_int_equal(gw_str_trim(gw_str(NULL, 0)).length, 0);
}

static void test_next_yields_empty_elements_too(void **state) {
    (void)state;
    struct gw_str rest = GW_STR("a,,b");
    struct gw_str element;
    assert_true(gw_str_next(&rest, ',', &element));
    assert_str(element, "a");
    assert_true(gw_str_next(&rest, ',', &element));
    assert_str(element, "");
    assert_true(gw_str_next(&rest, ',', &element));
    assert_str(element, "b");
    assert_false(gw_str_next(&rest, ',', &element));
}

static void test_next_sees_the_element_behind_a_last_separator(void **state) {
    (void)state;
    struct gw_str rest = GW_STR("a,");
    struct gw_str element;
    assert_true(gw_str_next(&rest, ',', &element));
    assert_true(gw_str_next(&rest, ',', &element));
    assert_str(element, "");
    assert_false(gw_str_next(&rest, ',', &element));
}

static void test_next_yields_one_element_of_the_empty_slice(void **state) {
    (void)state;
    struct gw_str rest = GW_STR("");
    struct gw_str element;
    assert_true(gw_str_next(&rest, ',', &element));
    assert_int_equal(element.length, 0);
    assert_false(gw_str_next(&rest, ',', &element));
}

static void test_u64_takes_digits_up_to_its_maximum(void **state) {
    (void)state;
    uint64_t value;
    assert_int_equal(gw_str_to_u64(GW_STR("0"), &value), GW_OK);
    assert_int_equal(value, 0);
    assert_int_equal(gw_str_to_u64(GW_STR("00042"), &value), GW_OK);
    assert_int_equal(value, 42);
    assert_int_equal(gw_str_to_u64(GW_STR("18446744073709551615"), &value), GW_OK);
    assert_true(value == UINT64_MAX);
}

static void test_u64_refuses_what_is_no_number_or_too_big(void **state) {
    (void)state;
    static const char *const malformed[] = {
        "", "+1", "-1", " 1", "1 ", "0x5", "1_0", "1e3", "18446744073709551616x"};
    uint64_t value = 7;
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
        assert_int_equal(gw_str_to_u64(gw_str_from(malformed[i]), &value), GW_INVALID);
    assert_int_equal(gw_str_to_u64(GW_STR("18446744073709551616"), &value), GW_TOO_BIG);
    assert_int_equal(gw_str_to_u64(GW_STR("18446744073709551620"), &value), GW_TOO_BIG);
    assert_int_equal(gw_str_to_u64(GW_STR("99999999999999999999999"), &value), GW_TOO_BIG);
    assert_int_equal(value, 7);
}

static void test_constant_time_comparison_sees_every_byte(void **state) {
    (void)state;
    unsigned char a[32];
    unsigned char b[32];
    memset(a, 0x5A, sizeof(a));
    memset(b, 0x5A, sizeof(b));
    assert_true(gw_bytes_equal_constant_time(a, b, sizeof(a)));
    assert_true(gw_bytes_equal_constant_time(a, b, 0));
    for (size_t i = 0; i < sizeof(a); i++) {
        b[i] ^= 0x80;
        for (size_t length = 0; length <= sizeof(a); length++)
            assert_int_equal(gw_bytes_equal_constant_time(a, b, length), length <= i);
        b[i] ^= 0x80;
    }
}

static void test_wipe_clears_exactly_its_length(void **state) {
    (void)state;
    char bytes[] = "secret!";
    gw_bytes_wipe(bytes, 6);
    assert_memory_equal(bytes, "\0\0\0\0\0\0!", 7);
    gw_bytes_wipe(NULL, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_null_becomes_the_empty_slice),
        cmocka_unit_test(test_equality_looks_at_length_and_bytes),
        cmocka_unit_test(test_order_is_that_of_the_bytes),
        cmocka_unit_test(test_case_folds_for_ascii_letters_only),
        cmocka_unit_test(test_case_folds_alike_wherever_a_byte_stands),
        cmocka_unit_test(test_starts_with_compares_the_whole_prefix),
        cmocka_unit_test(test_find_gives_the_first_index_or_the_length),
        cmocka_unit_test(test_slice_clamps_both_ends),
        cmocka_unit_test(test_trim_removes_spaces_and_tabs_only),
        cmocka_unit_test(test_next_yields_empty_elements_too),
        cmocka_unit_test(test_next_sees_the_element_behind_a_last_separator),
        cmocka_unit_test(test_next_yields_one_element_of_the_empty_slice),
        cmocka_unit_test(test_u64_takes_digits_up_to_its_maximum),
        cmocka_unit_test(test_u64_refuses_what_is_no_number_or_too_big),
        cmocka_unit_test(test_constant_time_comparison_sees_every_byte),
        cmocka_unit_test(test_wipe_clears_exactly_its_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
