// SPDX-License-Identifier: MIT
#include "gateway/net/connection_counts.h"

struct address_count {
    uint64_t hash;
    uint64_t key;
    uint64_t count;
};

enum gw_status gw_address_counts_init(struct gw_address_counts *counts, uint32_t count_max) {
    counts->count_max = count_max;
    return gw_table_init(&counts->table, sizeof(struct address_count), sizeof(uint64_t));
}

void gw_address_counts_deinit(struct gw_address_counts *counts) {
    gw_table_clear(&counts->table);
}

bool gw_address_counts_acquire(struct gw_address_counts *counts, uint64_t key) {
    if (counts->count_max == 0)
        return true;
    struct address_count *slot = gw_table_put(&counts->table, &key);
    if (slot == NULL || slot->count == counts->count_max)
        return false;
    slot->count++;
    return true;
}

void gw_address_counts_release(struct gw_address_counts *counts, uint64_t key) {
    if (counts->count_max == 0)
        return;
    struct address_count *slot = gw_table_find(&counts->table, &key);
    gw_assert(slot != NULL && slot->count > 0);
    if (--slot->count == 0)
        gw_table_remove(&counts->table, slot);
}
