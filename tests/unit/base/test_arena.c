// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdalign.h>
#include <string.h>

#include "base/arena.h"

static void test_pieces_are_aligned_and_do_not_overlap(void **state) {
    (void)state;
    struct gw_arena arena;
    unsigned char *pieces[200];
    gw_arena_init(&arena, 1024 * 1024);
    for (size_t i = 0; i < 200; i++) {
        pieces[i] = gw_arena_allocate(&arena, i);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        memset(pieces[i], (int)i, i);
    }
    for (size_t i = 0; i < 200; i++) {
        for (size_t k = 0; k < i; k++)
            assert_int_equal(pieces[i][k], i);
    }
    gw_arena_deinit(&arena);
}

static void test_one_piece_may_be_larger_than_a_block(void **state) {
    (void)state;
    struct gw_arena arena;
    gw_arena_init(&arena, 1024 * 1024);
    char *small = gw_arena_allocate(&arena, 10);
    char *large = gw_arena_allocate(&arena, 500 * 1024);
    assert_non_null(small);
    assert_non_null(large);
    memset(large, 1, (size_t)500 * 1024);
    assert_true(arena.bytes_total >= (size_t)500 * 1024);
    // The small block still has room: the next small piece lies beside the first.
    char *next = gw_arena_allocate(&arena, 10);
    assert_ptr_equal(next, small + alignof(max_align_t));
    gw_arena_deinit(&arena);
}

static void test_nothing_is_given_past_the_limit(void **state) {
    (void)state;
    struct gw_arena arena;
    gw_arena_init(&arena, 10000);
    assert_null(gw_arena_allocate(&arena, 10001));
    assert_null(gw_arena_allocate(&arena, SIZE_MAX));
    assert_null(gw_arena_allocate(&arena, SIZE_MAX - 8));
    size_t given = 0;
    while (gw_arena_allocate(&arena, 64) != NULL)
        given += 64;
    assert_true(given <= 10000);
    assert_true(given >= 9000);
    assert_true(arena.bytes_total <= 10000);
    gw_arena_deinit(&arena);
}

static void test_many_small_pieces_fill_a_large_limit(void **state) {
    (void)state;
    struct gw_arena arena;
    gw_arena_init(&arena, 512 * 1024);
    size_t given = 0;
    while (gw_arena_allocate(&arena, 100) != NULL)
        given += 100;
    assert_true(given >= 400 * 1024);
    assert_true(arena.bytes_total <= 512 * 1024);
    gw_arena_deinit(&arena);
}

static void test_a_limit_of_nothing_gives_nothing(void **state) {
    (void)state;
    struct gw_arena arena;
    gw_arena_init(&arena, 0);
    assert_null(gw_arena_allocate(&arena, 1));
    gw_arena_deinit(&arena);
}

static void test_reset_keeps_only_the_first_block(void **state) {
    (void)state;
    struct gw_arena arena;
    gw_arena_init(&arena, 1024 * 1024);
    gw_arena_reset(&arena); // before the first allocation: nothing to do
    char *first = gw_arena_allocate(&arena, 100);
    assert_non_null(gw_arena_allocate(&arena, 100000));
    gw_arena_reset(&arena);
    assert_true(arena.bytes_total <= 4096);
    assert_ptr_equal(gw_arena_allocate(&arena, 100), first);
    gw_arena_deinit(&arena);
}

static void test_a_large_first_piece_does_not_stay_after_reset(void **state) {
    (void)state;
    struct gw_arena arena;
    gw_arena_init(&arena, 1024 * 1024);
    assert_non_null(gw_arena_allocate(&arena, 300 * 1024));
    gw_arena_reset(&arena);
    assert_true(arena.bytes_total <= 4096);
    gw_arena_deinit(&arena);
}

static void test_an_arena_is_usable_after_deinit(void **state) {
    (void)state;
    struct gw_arena arena;
    gw_arena_init(&arena, 4096);
    assert_non_null(gw_arena_allocate(&arena, 100));
    gw_arena_deinit(&arena);
    assert_int_equal(arena.bytes_total, 0);
    assert_non_null(gw_arena_allocate(&arena, 100));
    gw_arena_deinit(&arena);
}

static void test_copies_are_terminated(void **state) {
    (void)state;
    struct gw_arena arena;
    gw_arena_init(&arena, 4096);
    assert_string_equal(gw_arena_copy(&arena, gw_str("abcdef", 3)), "abc");
    assert_string_equal(gw_arena_copy(&arena, gw_str(NULL, 0)), "");
    struct gw_str text = gw_arena_printf(&arena, "%s=%d", "n", 42);
    assert_int_equal(text.length, 4);
    assert_string_equal(text.at, "n=42");
    gw_arena_deinit(&arena);
}

static void test_copies_past_the_limit_are_null(void **state) {
    (void)state;
    struct gw_arena arena;
    gw_arena_init(&arena, 64);
    char long_text[64] = "";
    assert_null(gw_arena_copy(&arena, gw_str(long_text, sizeof(long_text))));
    assert_null(gw_arena_printf(&arena, "%100d", 1).at);
    gw_arena_deinit(&arena);
}

static void test_join_puts_pieces_one_after_another_and_terminates(void **state) {
    (void)state;
    struct gw_arena arena;
    gw_arena_init(&arena, 8192);
    const struct gw_str pieces[] = {GW_STR("a"), {NULL, 0}, GW_STR("bc"), GW_STR("")};
    struct gw_str joined = gw_arena_join(&arena, pieces, 4);
    assert_int_equal(joined.length, 3);
    assert_string_equal(joined.at, "abc");
    assert_int_equal(gw_arena_join(&arena, pieces, 0).length, 0);
    gw_arena_deinit(&arena);
}

static void test_join_past_the_cap_is_null(void **state) {
    (void)state;
    static char many[8192];
    struct gw_arena arena;
    gw_arena_init(&arena, 4096);
    const struct gw_str piece = gw_str(many, sizeof(many));
    assert_null(gw_arena_join(&arena, &piece, 1).at);
    gw_arena_deinit(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_join_puts_pieces_one_after_another_and_terminates),
        cmocka_unit_test(test_join_past_the_cap_is_null),
        cmocka_unit_test(test_pieces_are_aligned_and_do_not_overlap),
        cmocka_unit_test(test_one_piece_may_be_larger_than_a_block),
        cmocka_unit_test(test_nothing_is_given_past_the_limit),
        cmocka_unit_test(test_many_small_pieces_fill_a_large_limit),
        cmocka_unit_test(test_a_limit_of_nothing_gives_nothing),
        cmocka_unit_test(test_reset_keeps_only_the_first_block),
        cmocka_unit_test(test_a_large_first_piece_does_not_stay_after_reset),
        cmocka_unit_test(test_an_arena_is_usable_after_deinit),
        cmocka_unit_test(test_copies_are_terminated),
        cmocka_unit_test(test_copies_past_the_limit_are_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
