// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/auth/last_used_map.h"

#define MANY 20000

static enum gw_status note(struct gw_last_used_map *map, const char *id, int64_t used_ms) {
    return gw_last_used_map_note(map, gw_str_from(id), used_ms, 1, MANY);
}

static void test_an_empty_map_finds_nothing(void **state) {
    (void)state;
    struct gw_last_used_map map = {.slots = NULL};
    assert_null(gw_last_used_map_find(&map, GW_STR("a")));
    gw_last_used_map_deinit(&map);
}

static void test_uses_are_counted_and_the_newest_time_is_kept(void **state) {
    (void)state;
    struct gw_last_used_map map = {.slots = NULL};
    assert_int_equal(note(&map, "a", 5), GW_OK);
    assert_int_equal(note(&map, "a", 9), GW_OK);
    assert_int_equal(note(&map, "a", 7), GW_OK); // the clock was set back
    assert_int_equal(gw_last_used_map_note(&map, GW_STR("a"), 1, 10, MANY), GW_OK);
    assert_int_equal(map.count, 1);
    const struct gw_last_use *use = gw_last_used_map_find(&map, GW_STR("a"));
    assert_int_equal(use->used_ms, 9);
    assert_int_equal(use->uses, 13);
    assert_true(gw_str_equal(gw_last_use_id(use), GW_STR("a")));
    assert_null(gw_last_used_map_find(&map, GW_STR("b")));
    gw_last_used_map_deinit(&map);
}

static void test_times_before_1970_are_kept(void **state) {
    (void)state;
    struct gw_last_used_map map = {.slots = NULL};
    assert_int_equal(note(&map, "a", -5), GW_OK);
    assert_int_equal(gw_last_used_map_find(&map, GW_STR("a"))->used_ms, -5);
    gw_last_used_map_deinit(&map);
}

static void test_ids_that_begin_alike_are_told_apart(void **state) {
    (void)state;
    static const char *const ids[] = {"a", "aa", "aaa", "abcdefghijklmnopqrstuvwxyz012345",
                                      "abcdefghijklmnopqrstuvwxyz01234"};
    struct gw_last_used_map map = {.slots = NULL};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(note(&map, ids[i], (int64_t)i), GW_OK);
    assert_int_equal(map.count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(gw_last_used_map_find(&map, gw_str_from(ids[i]))->used_ms, i);
    gw_last_used_map_deinit(&map);
}

static void make_id(char id[16], int number) {
    snprintf(id, 16, "cl%d", number);
}

static void test_many_entries_are_found_again_while_it_grows(void **state) {
    (void)state;
    struct gw_last_used_map map = {.slots = NULL};
    char id[16];
    for (int i = 0; i < MANY; i++) {
        make_id(id, i);
        assert_int_equal(note(&map, id, i), GW_OK);
        make_id(id, i / 2);
        assert_int_equal(gw_last_used_map_find(&map, gw_str_from(id))->used_ms, i / 2);
    }
    assert_int_equal(map.count, MANY);
    for (int i = 0; i < MANY; i++) {
        make_id(id, i);
        assert_int_equal(gw_last_used_map_find(&map, gw_str_from(id))->used_ms, i);
    }
    assert_null(gw_last_used_map_find(&map, GW_STR("cl20000")));
    gw_last_used_map_deinit(&map);
}

// Ids that differ in their last characters alone must not lie in one row, where each use of one
// walks past others.
static void test_ids_that_count_up_are_spread(void **state) {
    (void)state;
    struct gw_last_used_map map = {.slots = NULL};
    char id[20];
    for (int i = 0; i < MANY; i++) {
        snprintf(id, sizeof(id), "cltoken%09d", i);
        assert_int_equal(note(&map, id, i), GW_OK);
    }
    size_t longest = 0;
    for (size_t i = 0, row = 0; i < map.capacity; i++) {
        row = map.slots[i].id_length != 0 ? row + 1 : 0;
        longest = row > longest ? row : longest;
    }
    assert_in_range(longest, 1, 200);
    gw_last_used_map_deinit(&map);
}

static void test_a_full_map_takes_no_new_token_but_new_uses(void **state) {
    (void)state;
    struct gw_last_used_map map = {.slots = NULL};
    assert_int_equal(gw_last_used_map_note(&map, GW_STR("a"), 1, 1, 2), GW_OK);
    assert_int_equal(gw_last_used_map_note(&map, GW_STR("b"), 1, 1, 2), GW_OK);
    assert_int_equal(gw_last_used_map_note(&map, GW_STR("c"), 1, 1, 2), GW_TOO_BIG);
    assert_null(gw_last_used_map_find(&map, GW_STR("c")));
    assert_int_equal(gw_last_used_map_note(&map, GW_STR("a"), 8, 1, 2), GW_OK);
    assert_int_equal(gw_last_used_map_find(&map, GW_STR("a"))->used_ms, 8);
    gw_last_used_map_deinit(&map);
}

static void test_taking_sorts_by_id_and_empties(void **state) {
    (void)state;
    struct gw_last_used_map map = {.slots = NULL};
    char id[16];
    for (int i = 0; i < 1000; i++) {
        make_id(id, i * 7919 % 1000);
        assert_int_equal(note(&map, id, i), GW_OK);
    }
    size_t count = 0;
    struct gw_last_use *uses = gw_last_used_map_take_sorted(&map, &count);
    assert_int_equal(count, 1000);
    assert_int_equal(map.count, 0);
    assert_null(gw_last_used_map_find(&map, GW_STR("cl1")));
    for (size_t i = 1; i < count; i++)
        assert_true(gw_last_use_compare(&uses[i - 1], &uses[i]) < 0);
    free(uses);
    assert_int_equal(note(&map, "a", 1), GW_OK); // and it can be used again
    uses = gw_last_used_map_take_sorted(&map, &count);
    assert_int_equal(count, 1);
    free(uses);
    free(gw_last_used_map_take_sorted(&map, &count));
    assert_int_equal(count, 0);
    gw_last_used_map_deinit(&map);
}

static void test_moving_adds_up_what_both_have(void **state) {
    (void)state;
    struct gw_last_used_map to = {.slots = NULL};
    struct gw_last_used_map from = {.slots = NULL};
    assert_int_equal(gw_last_used_map_move(&to, &from, MANY), 0);
    assert_int_equal(note(&to, "a", 5), GW_OK);
    assert_int_equal(note(&to, "b", 9), GW_OK);
    assert_int_equal(note(&from, "b", 7), GW_OK);
    assert_int_equal(note(&from, "c", 8), GW_OK);
    assert_int_equal(gw_last_used_map_move(&to, &from, MANY), 0);
    assert_int_equal(from.count, 0);
    assert_null(gw_last_used_map_find(&from, GW_STR("c")));
    assert_int_equal(to.count, 3);
    assert_int_equal(gw_last_used_map_find(&to, GW_STR("b"))->used_ms, 9);
    assert_int_equal(gw_last_used_map_find(&to, GW_STR("b"))->uses, 2);
    assert_int_equal(gw_last_used_map_find(&to, GW_STR("c"))->used_ms, 8);
    gw_last_used_map_deinit(&to);
}

static void test_moving_tells_the_uses_that_found_no_room(void **state) {
    (void)state;
    struct gw_last_used_map to = {.slots = NULL};
    struct gw_last_used_map from = {.slots = NULL};
    assert_int_equal(note(&to, "a", 5), GW_OK);
    assert_int_equal(note(&from, "a", 6), GW_OK);
    for (int i = 0; i < 7; i++)
        assert_int_equal(note(&from, "b", i), GW_OK);
    assert_int_equal(gw_last_used_map_move(&to, &from, 1), 7);
    assert_int_equal(to.count, 1);
    assert_int_equal(gw_last_used_map_find(&to, GW_STR("a"))->used_ms, 6);
    assert_int_equal(from.count, 0);
    gw_last_used_map_deinit(&to);
}

// As PostgreSQL sorts under the C collation, and bsearch needs.
static void test_the_order_of_ids(void **state) {
    (void)state;
    static const char *const ids[] = {"0", "a", "a0", "aa", "b", "z9", "za"};
    for (size_t i = 0; i < 7; i++) {
        for (size_t j = 0; j < 7; j++) {
            struct gw_last_use a = {.id_length = (uint8_t)strlen(ids[i])};
            struct gw_last_use b = {.id_length = (uint8_t)strlen(ids[j])};
            memcpy(a.id, ids[i], a.id_length);
            memcpy(b.id, ids[j], b.id_length);
            int order = gw_last_use_compare(&a, &b);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_map_finds_nothing),
        cmocka_unit_test(test_uses_are_counted_and_the_newest_time_is_kept),
        cmocka_unit_test(test_times_before_1970_are_kept),
        cmocka_unit_test(test_ids_that_begin_alike_are_told_apart),
        cmocka_unit_test(test_many_entries_are_found_again_while_it_grows),
        cmocka_unit_test(test_ids_that_count_up_are_spread),
        cmocka_unit_test(test_a_full_map_takes_no_new_token_but_new_uses),
        cmocka_unit_test(test_taking_sorts_by_id_and_empties),
        cmocka_unit_test(test_moving_adds_up_what_both_have),
        cmocka_unit_test(test_moving_tells_the_uses_that_found_no_room),
        cmocka_unit_test(test_the_order_of_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
