// SPDX-License-Identifier: MIT
#include "gateway/auth/rate_table.h"

#include <stdlib.h>

#include "base/random.h"

struct gw_rate_slot {
    uint64_t key;
    uint64_t arrival_us; // 0: free
};

enum gw_status gw_rate_table_init(struct gw_rate_table *table, size_t capacity) {
    struct gw_rate_table made = {.set_bits = 1};
    while (((size_t)GW_RATE_TABLE_WAYS << made.set_bits) < capacity)
        made.set_bits++;
    if (gw_random_bytes(&made.seed, sizeof(made.seed)) != GW_OK)
        return GW_SYSTEM;
    made.seed |= 1;
    made.slots = calloc((size_t)GW_RATE_TABLE_WAYS << made.set_bits, sizeof(made.slots[0]));
    if (made.slots == NULL)
        return GW_NO_MEMORY;
    *table = made;
    return GW_OK;
}

void gw_rate_table_deinit(struct gw_rate_table *table) {
    free(table->slots);
    table->slots = NULL;
}

// One multiplication would put keys that are evenly spaced (addresses of one network) into few sets
// for some seeds.
static struct gw_rate_slot *set_of(const struct gw_rate_table *table, uint64_t key) {
    uint64_t mixed = key * table->seed;
    mixed = (mixed ^ mixed >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    size_t set = (size_t)(mixed >> (64 - table->set_bits));
    return &table->slots[set * GW_RATE_TABLE_WAYS];
}

uint64_t gw_rate_table_find(const struct gw_rate_table *table, uint64_t key) {
    const struct gw_rate_slot *set = set_of(table, key);
    for (int i = 0; i < GW_RATE_TABLE_WAYS; i++) {
        if (set[i].key == key)
            return set[i].arrival_us;
    }
    return 0;
}

// The place of the key, else the one that loses least.
static struct gw_rate_slot *choose(struct gw_rate_slot *set, uint64_t key) {
    struct gw_rate_slot *chosen = &set[0];
    for (int i = 0; i < GW_RATE_TABLE_WAYS; i++) {
        if (set[i].key == key && set[i].arrival_us != 0)
            return &set[i];
        if (set[i].arrival_us < chosen->arrival_us)
            chosen = &set[i];
    }
    return chosen;
}

bool gw_rate_table_put(struct gw_rate_table *table, uint64_t key, uint64_t arrival_us,
                       uint64_t now_us) {
    struct gw_rate_slot *slot = choose(set_of(table, key), key);
    bool is_harmless = slot->key == key || slot->arrival_us <= now_us;
    *slot = (struct gw_rate_slot){key, arrival_us};
    return is_harmless;
}
