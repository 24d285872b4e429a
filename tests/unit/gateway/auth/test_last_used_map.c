// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/auth/last_used_map.h"

#define MANY 20000

static struct gw_last_used_map make(void) {
    struct gw_last_used_map map;
    assert_int_equal(gw_last_used_map_init(&map), GW_OK);
    return map;
}

static enum gw_status note(struct gw_last_used_map *map, const char *id, int64_t used_ms) {
    return gw_last_used_map_note(map, gw_str_from(id), used_ms, 1, MANY);
}

static void test_an_empty_map_finds_nothing(void **state) {
    (void)state;
    struct gw_last_used_map map = make();
    assert_null(gw_last_used_map_find(&map, GW_STR("a")));
    gw_last_used_map_clear(&map);
}

static void test_uses_are_counted_and_the_newest_time_is_kept(void **state) {
    (void)state;
    struct gw_last_used_map map = make();
    assert_int_equal(note(&map, "a", 5), GW_OK);
    assert_int_equal(note(&map, "a", 9), GW_OK);
    assert_int_equal(note(&map, "a", 7), GW_OK); // the clock was set back
    assert_int_equal(gw_last_used_map_note(&map, GW_STR("a"), 1, 10, MANY), GW_OK);
    assert_int_equal(gw_last_used_map_count(&map), 1);
    const struct gw_last_use *use = gw_last_used_map_find(&map, GW_STR("a"));
    assert_int_equal(use->used_ms, 9);
    assert_int_equal(use->uses, 13);
    assert_true(gw_str_equal(gw_last_use_id(use), GW_STR("a")));
    assert_null(gw_last_used_map_find(&map, GW_STR("b")));
    gw_last_used_map_clear(&map);
}

static void test_times_before_1970_are_kept(void **state) {
    (void)state;
    struct gw_last_used_map map = make();
    assert_int_equal(note(&map, "a", -5), GW_OK);
    assert_int_equal(gw_last_used_map_find(&map, GW_STR("a"))->used_ms, -5);
    gw_last_used_map_clear(&map);
}

static void test_ids_that_begin_alike_are_told_apart(void **state) {
    (void)state;
    static const char *const ids[] = {"a", "aa", "aaa", "abcdefghijklmnopqrstuvwxyz012345",
                                      "abcdefghijklmnopqrstuvwxyz01234"};
    struct gw_last_used_map map = make();
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(note(&map, ids[i], (int64_t)i), GW_OK);
    assert_int_equal(gw_last_used_map_count(&map), 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(gw_last_used_map_find(&map, gw_str_from(ids[i]))->used_ms, i);
    gw_last_used_map_clear(&map);
}

static void make_id(char id[16], int number) {
    snprintf(id, 16, "cl%d", number);
}

static void test_many_entries_are_found_again_while_it_grows(void **state) {
    (void)state;
    struct gw_last_used_map map = make();
    char id[16];
    for (int i = 0; i < MANY; i++) {
        make_id(id, i);
        assert_int_equal(note(&map, id, i), GW_OK);
        make_id(id, i / 2);
        assert_int_equal(gw_last_used_map_find(&map, gw_str_from(id))->used_ms, i / 2);
    }
    assert_int_equal(gw_last_used_map_count(&map), MANY);
    for (int i = 0; i < MANY; i++) {
        make_id(id, i);
        assert_int_equal(gw_last_used_map_find(&map, gw_str_from(id))->used_ms, i);
    }
    assert_null(gw_last_used_map_find(&map, GW_STR("cl20000")));
    gw_last_used_map_clear(&map);
}

static void test_a_full_map_takes_no_new_token_but_new_uses(void **state) {
    (void)state;
    struct gw_last_used_map map = make();
    assert_int_equal(gw_last_used_map_note(&map, GW_STR("a"), 1, 1, 2), GW_OK);
    assert_int_equal(gw_last_used_map_note(&map, GW_STR("b"), 1, 1, 2), GW_OK);
    assert_int_equal(gw_last_used_map_note(&map, GW_STR("c"), 1, 1, 2), GW_TOO_BIG);
    assert_null(gw_last_used_map_find(&map, GW_STR("c")));
    assert_int_equal(gw_last_used_map_note(&map, GW_STR("a"), 8, 1, 2), GW_OK);
    assert_int_equal(gw_last_used_map_find(&map, GW_STR("a"))->used_ms, 8);
    gw_last_used_map_clear(&map);
}

static void test_taking_empties_and_removing_forgets(void **state) {
    (void)state;
    struct gw_last_used_map map = make();
    struct gw_last_use use;
    size_t visits_left = SIZE_MAX;
    char id[16];
    for (int i = 0; i < 1000; i++) {
        make_id(id, i);
        assert_int_equal(note(&map, id, i), GW_OK);
    }
    gw_last_used_map_remove(&map, gw_last_used_map_find(&map, GW_STR("cl7")));
    assert_null(gw_last_used_map_find(&map, GW_STR("cl7")));
    for (int i = 0; i < 999; i++) {
        assert_true(gw_last_used_map_take(&map, &use, &visits_left));
        make_id(id, (int)use.used_ms);
        assert_true(gw_str_equal(gw_last_use_id(&use), gw_str_from(id)));
        assert_null(gw_last_used_map_find(&map, gw_str_from(id)));
    }
    assert_false(gw_last_used_map_take(&map, &use, &visits_left));
    assert_int_equal(gw_last_used_map_count(&map), 0);
    assert_int_equal(note(&map, "a", 1), GW_OK); // and it can be used again
    gw_last_used_map_clear(&map);
}

// As PostgreSQL sorts under the C collation, and bsearch needs.
static void test_the_order_of_ids(void **state) {
    (void)state;
    static const char *const ids[] = {"0", "a", "a0", "aa", "b", "z9", "za"};
    for (size_t i = 0; i < 7; i++) {
        for (size_t j = 0; j < 7; j++) {
            const struct gw_last_use a = {.key = gw_id_key_of(gw_str_from(ids[i]))};
            const struct gw_last_use b = {.key = gw_id_key_of(gw_str_from(ids[j]))};
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
        cmocka_unit_test(test_a_full_map_takes_no_new_token_but_new_uses),
        cmocka_unit_test(test_taking_empties_and_removing_forgets),
        cmocka_unit_test(test_the_order_of_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
