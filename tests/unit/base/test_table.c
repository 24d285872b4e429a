// SPDX-License-Identifier: MIT
// Proves of base/table.c: it holds what a plain array holds through any operations, and no
// operation does more than a bounded step.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/table.h"

#define KEYS 3000
#define MANY 200000
#define LARGE 150000 // so many have all moved to a large array

struct slot {
    uint64_t hash;
    uint64_t key;
    uint64_t value;
};

static int set_up(void **state) {
    struct gw_table *table = test_calloc(1, sizeof(*table));
    *state = table;
    return gw_table_init(table, sizeof(struct slot), sizeof(uint64_t)) == GW_OK ? 0 : -1;
}

static int tear_down(void **state) {
    gw_table_clear(*state);
    test_free(*state);
    return 0;
}

static struct slot *find(const struct gw_table *table, uint64_t key) {
    return gw_table_find(table, &key);
}

static struct slot *put(struct gw_table *table, uint64_t key) {
    struct slot *slot = gw_table_put(table, &key);
    assert_non_null(slot);
    return slot;
}

static void fill(struct gw_table *table, uint64_t count) {
    for (uint64_t key = 0; key < count; key++)
        put(table, key)->value = key + 1;
}

static void test_an_empty_table_has_nothing_and_no_memory(void **state) {
    struct gw_table *table = *state;
    struct slot slot;
    size_t visits_left = 10;
    assert_null(find(table, 1));
    assert_false(gw_table_take(table, &slot, &visits_left));
    assert_int_equal(visits_left, 10);
    assert_null(table->array.slots);
}

static void test_a_new_slot_is_zero_behind_its_key(void **state) {
    struct gw_table *table = *state;
    put(table, 5)->value = 9;
    assert_int_equal(put(table, 5)->value, 9);
    gw_table_remove(table, find(table, 5));
    assert_null(find(table, 5));
    assert_int_equal(put(table, 5)->value, 0);
    assert_int_equal(put(table, 5)->key, 5);
    assert_int_equal(gw_table_count(table), 1);
}

// ---- against a plain array ----

struct model {
    uint64_t values[KEYS]; // 0: not there
    size_t count;
    uint32_t random;
};

static uint32_t next_random(struct model *model, uint32_t below) {
    model->random = model->random * 1664525U + 1013904223U;
    return (uint32_t)((uint64_t)model->random * below >> 32);
}

static void put_both(struct gw_table *table, struct model *model, uint64_t key) {
    struct slot *slot = put(table, key);
    assert_int_equal(slot->key, key);
    assert_int_equal(slot->value, model->values[key]);
    model->count += model->values[key] == 0 ? 1 : 0;
    model->values[key] = slot->value = 1 + next_random(model, 1000000);
}

static void remove_both(struct gw_table *table, struct model *model, uint64_t key) {
    struct slot *slot = find(table, key);
    assert_int_equal(slot != NULL ? slot->value : 0, model->values[key]);
    if (slot == NULL)
        return;
    gw_table_remove(table, slot);
    model->values[key] = 0;
    model->count--;
}

static void take_both(struct gw_table *table, struct model *model) {
    struct slot slot;
    size_t visits_left = next_random(model, 4);
    if (!gw_table_take(table, &slot, &visits_left))
        return;
    assert_int_equal(slot.value, model->values[slot.key]);
    model->values[slot.key] = 0;
    model->count--;
}

static void assert_alike(const struct gw_table *table, const struct model *model) {
    assert_int_equal(gw_table_count(table), model->count);
    for (uint64_t key = 0; key < KEYS; key++) {
        const struct slot *slot = find(table, key);
        assert_int_equal(slot != NULL ? slot->value : 0, model->values[key]);
    }
}

// Phases that grow, hold and shrink the table; it is removed from and taken from while it grows.
static void test_it_holds_what_a_plain_array_holds(void **state) {
    struct gw_table *table = *state;
    struct model model = {.random = 1};
    static const uint32_t puts_of_16[] = {15, 8, 3, 12, 1, 10};
    for (int phase = 0; phase < 60; phase++) {
        for (int i = 0; i < 2000; i++) {
            uint64_t key = next_random(&model, KEYS);
            uint32_t choice = next_random(&model, 16);
            if (choice < puts_of_16[phase % 6])
                put_both(table, &model, key);
            else if (choice % 4 != 0)
                remove_both(table, &model, key);
            else
                take_both(table, &model);
            assert_int_equal(gw_table_count(table), model.count);
        }
        assert_alike(table, &model);
        if (phase % 20 == 19) {
            gw_table_clear(table);
            model = (struct model){.random = model.random};
        }
    }
}

// ---- bounded steps ----

// How many slots the put of a new key moved, which by then has a slot itself.
static size_t moved_by_put(struct gw_table *table, uint64_t key) {
    size_t array_before = table->array.count;
    size_t older_before = table->older.count;
    put(table, key)->value = key + 1;
    if (older_before == 0 && table->array.count < array_before)
        older_before = array_before; // it has begun to grow
    return older_before - table->older.count;
}

static void test_growing_moves_a_few_slots_with_each_new_key(void **state) {
    struct gw_table *table = *state;
    size_t moved = 0;
    for (uint64_t key = 0; key < MANY; key++) {
        size_t moved_now = moved_by_put(table, key);
        assert_in_range(moved_now, 0, GW_TABLE_MOVES_MAX);
        moved += moved_now;
        assert_non_null(find(table, key / 2));
    }
    assert_in_range(moved, MANY / 2, 2 * MANY); // it has grown, and each slot moved about once
    for (uint64_t key = 0; key < MANY; key++)
        assert_int_equal(find(table, key)->value, key + 1);
}

static void test_growing_ends_before_the_table_is_full_again(void **state) {
    struct gw_table *table = *state;
    size_t puts_while_growing = 0;
    for (uint64_t key = 0; key < MANY; key++) {
        put(table, key);
        puts_while_growing = table->older.count > 0 ? puts_while_growing + 1 : 0;
        assert_in_range(puts_while_growing, 0, ((size_t)1 << table->array.bits) / 4);
    }
}

static void test_taking_looks_at_no_more_slots_than_it_may(void **state) {
    struct gw_table *table = *state;
    struct slot slot;
    unsigned char *was_taken = test_calloc(MANY, 1);
    size_t calls = 0;
    fill(table, MANY);
    while (gw_table_count(table) > 0) {
        size_t visits_left = 8;
        calls++;
        while (gw_table_take(table, &slot, &visits_left)) {
            assert_int_equal(was_taken[slot.key]++, 0);
            assert_int_equal(slot.value, slot.key + 1);
            assert_null(find(table, slot.key));
        }
        assert_in_range(visits_left, 0, 8);
    }
    assert_in_range(calls, MANY / 8, MANY);
    for (uint64_t key = 0; key < MANY; key++)
        assert_int_equal(was_taken[key], 1);
    test_free(was_taken);
}

// What comes behind the cursor of a table that is being emptied is taken too.
static void test_keys_that_come_while_it_is_emptied_are_taken(void **state) {
    struct gw_table *table = *state;
    struct slot slot;
    size_t visits_left = SIZE_MAX;
    fill(table, 1000);
    for (int i = 0; i < 500; i++)
        assert_true(gw_table_take(table, &slot, &visits_left));
    for (uint64_t key = 5000; key < 5100; key++)
        put(table, key);
    for (int i = 0; i < 600; i++)
        assert_true(gw_table_take(table, &slot, &visits_left));
    assert_false(gw_table_take(table, &slot, &visits_left));
    assert_int_equal(gw_table_count(table), 0);
}

// Slots that leave one table in the order of its array must not gather in another.
static size_t longest_row(const struct gw_table *table) {
    size_t longest = 0;
    for (size_t i = 0, row = 0; i >> table->array.bits == 0; i++) {
        uint64_t hash;
        memcpy(&hash, table->array.slots + i * table->slot_bytes, sizeof(hash));
        row = hash != 0 ? row + 1 : 0;
        longest = row > longest ? row : longest;
    }
    return longest;
}

static void test_what_moves_to_another_table_does_not_gather_there(void **state) {
    struct gw_table *from = *state;
    struct gw_table to;
    struct slot slot;
    size_t visits_left = SIZE_MAX;
    assert_int_equal(gw_table_init(&to, sizeof(struct slot), sizeof(uint64_t)), GW_OK);
    fill(from, 50000);
    while (gw_table_take(from, &slot, &visits_left)) {
        put(&to, slot.key);
        if (to.array.count % 5000 == 0)
            assert_in_range(longest_row(&to), 1, 300);
    }
    assert_int_equal(gw_table_count(&to), 50000);
    gw_table_clear(&to);
}

static size_t pages_in_memory(const struct gw_table *table) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t count = ((size_t)table->slot_bytes << table->array.bits) / page;
    unsigned char *is_there = test_malloc(count);
    size_t there = 0;
    assert_int_equal(mincore(table->array.slots, count * page, is_there), 0);
    for (size_t i = 0; i < count; i++)
        there += is_there[i] & 1;
    test_free(is_there);
    return there;
}

// Megabytes are not given back in one step when it is empty, but as it is emptied; and what comes
// meanwhile is not lost with them.
static void test_a_large_table_gives_its_memory_back_as_it_is_emptied(void **state) {
    struct gw_table *table = *state;
    static bool is_taken[LARGE + 1000];
    struct slot slot;
    size_t visits_left = SIZE_MAX;
    memset(is_taken, 0, sizeof(is_taken));
    fill(table, LARGE);
    size_t before = pages_in_memory(table);
    for (int i = 0; i < LARGE / 2; i++) {
        assert_true(gw_table_take(table, &slot, &visits_left));
        is_taken[slot.key] = true;
    }
    assert_in_range(pages_in_memory(table), before / 4, before * 3 / 4);
    for (uint64_t key = LARGE; key < LARGE + 1000; key++)
        put(table, key)->value = key + 1;
    while (gw_table_take(table, &slot, &visits_left)) {
        assert_false(is_taken[slot.key]);
        assert_int_equal(slot.value, slot.key + 1);
        is_taken[slot.key] = true;
    }
    for (size_t key = 0; key < LARGE + 1000; key++)
        assert_true(is_taken[key]);
    assert_in_range(pages_in_memory(table), 0, before / 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_an_empty_table_has_nothing_and_no_memory),
        TEST(test_a_new_slot_is_zero_behind_its_key),
        TEST(test_it_holds_what_a_plain_array_holds),
        TEST(test_growing_moves_a_few_slots_with_each_new_key),
        TEST(test_growing_ends_before_the_table_is_full_again),
        TEST(test_taking_looks_at_no_more_slots_than_it_may),
        TEST(test_keys_that_come_while_it_is_emptied_are_taken),
        TEST(test_what_moves_to_another_table_does_not_gather_there),
        TEST(test_a_large_table_gives_its_memory_back_as_it_is_emptied),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
