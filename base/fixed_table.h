// SPDX-License-Identifier: MIT
#pragma once
// A hash table in memory that does not grow: sets of a few places, and each 64-bit key has one set.
// A key comes with its weight. Where a set is full, the lightest entry makes room, so keys of
// little weight push out each other and never a heavy one. An attacker that wants a heavy key
// forgotten has to bring as many heavier ones into the same set; which keys share a set is a secret
// of the process.

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define GW_FIXED_TABLE_WAYS 8

struct gw_fixed_entry;

struct gw_fixed_table {
    struct gw_fixed_entry *entries;
    unsigned set_bits;
    uint64_t seed;
};

// Places for `capacity` keys, 16 bytes each, rounded up to a power of two (at least
// 2 * GW_FIXED_TABLE_WAYS).
enum gw_status gw_fixed_table_init(struct gw_fixed_table *table, size_t capacity) GW_MUST_USE;
void gw_fixed_table_deinit(struct gw_fixed_table *table);
// The key's weight, 0 when it is not there.
uint64_t gw_fixed_table_find(const struct gw_fixed_table *table, uint64_t key);
// Puts the key there, or gives it another weight (from 1). The weight of the entry that made room
// for it, 0 when there was a free place.
uint64_t gw_fixed_table_put(struct gw_fixed_table *table, uint64_t key, uint64_t weight);
// Harmless when it is not there.
void gw_fixed_table_remove(struct gw_fixed_table *table, uint64_t key);
