// SPDX-License-Identifier: MIT
#include "gateway/net/connection_counts.h"

#include <stdlib.h>
#include <sys/random.h>

struct gw_address_count {
    uint64_t key;
    uint32_t count; // 0: free
};

enum gw_status gw_address_counts_init(struct gw_address_counts *counts, size_t total_max,
                                      uint32_t count_max) {
    struct gw_address_counts made = {.bits = 1, .count_max = count_max};
    *counts = made;
    if (count_max == 0)
        return GW_OK;
    while ((size_t)1 << made.bits < 2 * total_max)
        made.bits++;
    if (getrandom(&made.seed, sizeof(made.seed), 0) != (ssize_t)sizeof(made.seed))
        return GW_SYSTEM;
    made.seed |= 1;
    made.slots = calloc((size_t)1 << made.bits, sizeof(made.slots[0]));
    if (made.slots == NULL)
        return GW_NO_MEMORY;
    *counts = made;
    return GW_OK;
}

void gw_address_counts_deinit(struct gw_address_counts *counts) {
    free(counts->slots);
    counts->slots = NULL;
}

static size_t home_of(const struct gw_address_counts *counts, uint64_t key) {
    return (size_t)(key * counts->seed >> (64 - counts->bits));
}

static size_t next_of(const struct gw_address_counts *counts, size_t i) {
    return (i + 1) & (((size_t)1 << counts->bits) - 1);
}

// The place of the key, or the free one where it would go. At most half of them are taken.
static size_t find(const struct gw_address_counts *counts, uint64_t key) {
    size_t i = home_of(counts, key);
    while (counts->slots[i].count != 0 && counts->slots[i].key != key)
        i = next_of(counts, i);
    return i;
}

bool gw_address_counts_acquire(struct gw_address_counts *counts, uint64_t key) {
    if (counts->slots == NULL)
        return true;
    struct gw_address_count *slot = &counts->slots[find(counts, key)];
    if (slot->count == counts->count_max)
        return false;
    slot->key = key;
    slot->count++;
    return true;
}

// Closes the gap at `hole`: what was pushed past it moves back, so that it is found from its home.
static void close_gap(struct gw_address_counts *counts, size_t hole) {
    size_t mask = ((size_t)1 << counts->bits) - 1;
    for (size_t i = next_of(counts, hole); counts->slots[i].count != 0; i = next_of(counts, i)) {
        size_t from_home = (i - home_of(counts, counts->slots[i].key)) & mask;
        if (from_home < ((i - hole) & mask))
            continue; // its home lies behind the hole
        counts->slots[hole] = counts->slots[i];
        counts->slots[i].count = 0;
        hole = i;
    }
}

void gw_address_counts_release(struct gw_address_counts *counts, uint64_t key) {
    if (counts->slots == NULL)
        return;
    size_t i = find(counts, key);
    gw_assert(counts->slots[i].count > 0);
    if (--counts->slots[i].count == 0)
        close_gap(counts, i);
}
