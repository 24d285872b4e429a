// SPDX-License-Identifier: MIT
#include "base/fixed_table.h"

#include <stdlib.h>

#include "base/hash.h"

struct gw_fixed_entry {
    uint64_t key;
    uint64_t weight; // 0: free
};

enum gw_status gw_fixed_table_init(struct gw_fixed_table *table, size_t capacity) {
    struct gw_fixed_table made = {.set_bits = 1};
    while (((size_t)GW_FIXED_TABLE_WAYS << made.set_bits) < capacity)
        made.set_bits++;
    if (gw_hash_seed_make(&made.seed) != GW_OK)
        return GW_SYSTEM;
    made.entries = calloc((size_t)GW_FIXED_TABLE_WAYS << made.set_bits, sizeof(made.entries[0]));
    if (made.entries == NULL)
        return GW_NO_MEMORY;
    *table = made;
    return GW_OK;
}

void gw_fixed_table_deinit(struct gw_fixed_table *table) {
    free(table->entries);
    table->entries = NULL;
}

static struct gw_fixed_entry *set_of(const struct gw_fixed_table *table, uint64_t key) {
    gw_assert(table->entries != NULL);
    size_t set = (size_t)(gw_hash_number(table->seed, key) >> (64 - table->set_bits));
    return &table->entries[set * GW_FIXED_TABLE_WAYS];
}

// The place of the key, else the lightest.
static struct gw_fixed_entry *choose(struct gw_fixed_entry *set, uint64_t key) {
    struct gw_fixed_entry *chosen = &set[0];
    for (int i = 0; i < GW_FIXED_TABLE_WAYS; i++) {
        if (set[i].key == key && set[i].weight != 0)
            return &set[i];
        if (set[i].weight < chosen->weight)
            chosen = &set[i];
    }
    return chosen;
}

uint64_t gw_fixed_table_find(const struct gw_fixed_table *table, uint64_t key) {
    const struct gw_fixed_entry *set = set_of(table, key);
    for (int i = 0; i < GW_FIXED_TABLE_WAYS; i++) {
        if (set[i].key == key && set[i].weight != 0)
            return set[i].weight;
    }
    return 0;
}

uint64_t gw_fixed_table_put(struct gw_fixed_table *table, uint64_t key, uint64_t weight) {
    gw_assert(weight > 0);
    struct gw_fixed_entry *entry = choose(set_of(table, key), key);
    uint64_t displaced = entry->key == key ? 0 : entry->weight;
    *entry = (struct gw_fixed_entry){key, weight};
    return displaced;
}

void gw_fixed_table_remove(struct gw_fixed_table *table, uint64_t key) {
    struct gw_fixed_entry *entry = choose(set_of(table, key), key);
    if (entry->key == key)
        entry->weight = 0;
}
