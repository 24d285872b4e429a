// SPDX-License-Identifier: MIT
#pragma once
// The arrival times of gateway/settings/rate.h by key, in memory that does not grow: sets of a few
// places, a key has one set. A key that is not there has used nothing. Where a set is full, the
// entry that would be at rest soonest makes room: it loses least, and keys that were used once push
// out each other, never one that is at its limit. So who wants a limit forgotten has to keep as
// many others at theirs, in the same set; and which keys share a set is a secret of the process.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct gw_rate_slot;

struct gw_rate_table {
    struct gw_rate_slot *slots;
    unsigned set_bits;
    uint64_t seed; // odd
};

// Places for `capacity` keys, rounded up to a power of two (at least 2 * GW_RATE_TABLE_WAYS).
#define GW_RATE_TABLE_WAYS 8
enum gw_status gw_rate_table_init(struct gw_rate_table *table, size_t capacity) GW_MUST_USE;
void gw_rate_table_deinit(struct gw_rate_table *table);
// 0 when it is not there.
uint64_t gw_rate_table_find(const struct gw_rate_table *table, uint64_t key);
// False when an entry that is not at rest had to make room.
bool gw_rate_table_put(struct gw_rate_table *table, uint64_t key, uint64_t arrival_us,
                       uint64_t now_us);
