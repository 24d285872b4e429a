// SPDX-License-Identifier: MIT
#include "base/table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/hash.h"

#define BITS_FIRST 5
// Slots looked at for those moves: three of four are taken when a table begins to grow.
#define VISITS_MAX (4 * GW_TABLE_MOVES_MAX)

// Arrays from this size on are mapped: their pages are zeroed by the kernel when they are touched
// first, and given back in runs of RELEASE_BYTES as the cursor leaves them behind.
#define MAPPED_BYTES_MIN ((size_t)1 << 20)
#define RELEASE_BYTES ((size_t)1 << 18)

// What every slot begins with.
struct head {
    uint64_t hash; // 0: free
    unsigned char key[];
};

enum gw_status gw_table_init(struct gw_table *table, uint32_t slot_bytes, uint32_t key_bytes) {
    gw_assert(slot_bytes % sizeof(uint64_t) == 0 && slot_bytes >= sizeof(uint64_t) + key_bytes);
    struct gw_table made = {.slot_bytes = slot_bytes, .key_bytes = key_bytes};
    enum gw_status status = gw_hash_seed_make(&made.seed);
    if (status == GW_OK)
        *table = made;
    return status;
}

// ---- the memory of one array ----

static size_t bytes_of(const struct gw_table *table, const struct gw_table_array *array) {
    return (size_t)table->slot_bytes << array->bits;
}

// All slots are free. False: no memory.
static bool array_init(const struct gw_table *table, struct gw_table_array *array, unsigned bits) {
    *array = (struct gw_table_array){.bits = bits};
    size_t bytes = bytes_of(table, array);
    if (bytes < MAPPED_BYTES_MIN) {
        array->slots = calloc(1, bytes);
        return array->slots != NULL;
    }
    void *mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    array->slots = mapped != MAP_FAILED ? mapped : NULL;
    return array->slots != NULL;
}

static void array_deinit(const struct gw_table *table, struct gw_table_array *array) {
    if (array->slots != NULL && bytes_of(table, array) >= MAPPED_BYTES_MIN)
        (void)munmap(array->slots, bytes_of(table, array));
    else
        free(array->slots);
    *array = (struct gw_table_array){.slots = NULL};
}

// The cursor has moved on by a slot. Pages that are given back read as zero, which is free slots.
static void release_passed(const struct gw_table *table, struct gw_table_array *array) {
    size_t end = array->cursor * table->slot_bytes;
    if (end % RELEASE_BYTES >= table->slot_bytes || end < RELEASE_BYTES ||
        bytes_of(table, array) < MAPPED_BYTES_MIN)
        return;
    end -= end % RELEASE_BYTES;
    (void)madvise(array->slots + end - RELEASE_BYTES, RELEASE_BYTES, MADV_DONTNEED);
}

void gw_table_clear(struct gw_table *table) {
    array_deinit(table, &table->array);
    array_deinit(table, &table->older);
}

// ---- one array ----

static uint64_t hash_of(const struct gw_table *table, const void *key) {
    return gw_hash_bytes(table->seed, key, table->key_bytes) | 1;
}

static size_t mask_of(const struct gw_table_array *array) {
    return ((size_t)1 << array->bits) - 1;
}

static size_t home_of(const struct gw_table_array *array, uint64_t hash) {
    return (size_t)(hash >> (64 - array->bits));
}

static struct head *slot_at(const struct gw_table *table, const struct gw_table_array *array,
                            size_t i) {
    return (struct head *)(void *)(array->slots + i * table->slot_bytes);
}

// The index of the key's slot, or of the free one where it would go. There is always a free one.
static size_t search(const struct gw_table *table, const struct gw_table_array *array,
                     uint64_t hash, const void *key) {
    size_t mask = mask_of(array);
    size_t i = home_of(array, hash);
    for (const struct head *slot; (slot = slot_at(table, array, i))->hash != 0; i = (i + 1) & mask)
        if (slot->hash == hash && memcmp(slot->key, key, table->key_bytes) == 0)
            break;
    return i;
}

static struct head *find_in(const struct gw_table *table, const struct gw_table_array *array,
                            uint64_t hash, const void *key) {
    if (array->count == 0)
        return NULL;
    struct head *slot = slot_at(table, array, search(table, array, hash, key));
    return slot->hash != 0 ? slot : NULL;
}

// Frees the slot `hole`: what was pushed past it moves back, so that it is found from its home.
static void remove_at(const struct gw_table *table, struct gw_table_array *array, size_t hole) {
    size_t mask = mask_of(array);
    gw_assert(array->count > 0 && slot_at(table, array, hole)->hash != 0);
    array->count--;
    for (size_t i = (hole + 1) & mask;; i = (i + 1) & mask) {
        const struct head *slot = slot_at(table, array, i);
        if (slot->hash == 0)
            break;
        if (((i - home_of(array, slot->hash)) & mask) < ((i - hole) & mask))
            continue; // its home lies behind the hole
        memcpy(slot_at(table, array, hole), slot, table->slot_bytes);
        hole = i;
    }
    slot_at(table, array, hole)->hash = 0;
}

// The next taken slot from the cursor on, which wraps round at no time: an array with a taken slot
// has it at the cursor or behind. NULL: the visits are used up, or the array is empty.
static struct head *next_taken(const struct gw_table *table, struct gw_table_array *array,
                               size_t *visits_left) {
    while (array->count > 0 && *visits_left > 0) {
        gw_assert(array->cursor <= mask_of(array));
        struct head *slot = slot_at(table, array, array->cursor);
        (*visits_left)--;
        if (slot->hash != 0)
            return slot;
        array->cursor++;
        release_passed(table, array);
    }
    return NULL;
}

// ---- growing ----

static struct head *take_place(const struct gw_table *table, struct gw_table_array *array,
                               size_t i) {
    array->count++;
    if (i < array->cursor)
        array->cursor = i;
    return slot_at(table, array, i);
}

// A key that is in `older` alone, so no slot of `array` is compared with it.
static void move_slot(struct gw_table *table, const struct head *from) {
    struct gw_table_array *array = &table->array;
    size_t i = home_of(array, from->hash);
    while (slot_at(table, array, i)->hash != 0)
        i = (i + 1) & mask_of(array);
    memcpy(take_place(table, array, i), from, table->slot_bytes);
}

static void move_some(struct gw_table *table) {
    size_t visits_left = VISITS_MAX;
    for (int moves = 0; moves < GW_TABLE_MOVES_MAX; moves++) {
        struct head *slot = next_taken(table, &table->older, &visits_left);
        if (slot == NULL)
            break;
        move_slot(table, slot);
        remove_at(table, &table->older, table->older.cursor);
    }
    if (table->older.count == 0)
        array_deinit(table, &table->older);
}

// `older` is empty before `array` is full again: four slots move with each new key.
static enum gw_status grow(struct gw_table *table) {
    struct gw_table_array larger;
    gw_assert(table->older.count == 0);
    if (!array_init(table, &larger,
                    table->array.slots != NULL ? table->array.bits + 1 : BITS_FIRST))
        return GW_NO_MEMORY;
    array_deinit(table, &table->older);
    table->older = table->array;
    table->array = larger;
    return GW_OK;
}

static bool is_full(const struct gw_table_array *array) {
    return array->slots == NULL || (array->count + 1) * 4 > ((size_t)1 << array->bits) * 3;
}

// ---- the table ----

void *gw_table_find(const struct gw_table *table, const void *key) {
    if (gw_table_count(table) == 0)
        return NULL;
    uint64_t hash = hash_of(table, key);
    struct head *slot = find_in(table, &table->array, hash, key);
    return slot != NULL ? slot : find_in(table, &table->older, hash, key);
}

void *gw_table_put(struct gw_table *table, const void *key) {
    void *found = gw_table_find(table, key);
    if (found != NULL)
        return found;
    if (is_full(&table->array) && grow(table) != GW_OK)
        return NULL;
    if (table->older.slots != NULL)
        move_some(table);
    uint64_t hash = hash_of(table, key);
    struct head *slot = take_place(table, &table->array, search(table, &table->array, hash, key));
    memset(slot, 0, table->slot_bytes);
    slot->hash = hash;
    memcpy(slot->key, key, table->key_bytes);
    return slot;
}

static bool has(const struct gw_table *table, const struct gw_table_array *array,
                const unsigned char *slot) {
    return array->slots != NULL && slot >= array->slots &&
           slot < array->slots + ((size_t)table->slot_bytes << array->bits);
}

void gw_table_remove(struct gw_table *table, void *slot) {
    const unsigned char *at = slot;
    struct gw_table_array *array = has(table, &table->older, at) ? &table->older : &table->array;
    gw_assert(has(table, array, at));
    remove_at(table, array, (size_t)(at - array->slots) / table->slot_bytes);
}

bool gw_table_take(struct gw_table *table, void *slot, size_t *visits_left) {
    struct gw_table_array *array = table->older.count > 0 ? &table->older : &table->array;
    const struct head *taken = next_taken(table, array, visits_left);
    if (taken == NULL)
        return false;
    memcpy(slot, taken, table->slot_bytes);
    remove_at(table, array, array->cursor);
    return true;
}
