// SPDX-License-Identifier: MIT
#pragma once
// How many there are of each client key (base/ip.h): open connections, for
// --connections-per-address. Open addressing; a key with a count of 0 takes no place, so a table is
// as large as what it counts can be. Where a key lies is a secret of the process.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct gw_address_count;

struct gw_address_counts {
    struct gw_address_count *slots; // NULL: nothing is counted, everything allowed
    unsigned bits;
    uint64_t seed; // odd
    uint32_t count_max;
};

// For `total_max` in all and `count_max` of each key; 0: no limit.
enum gw_status gw_address_counts_init(struct gw_address_counts *counts, size_t total_max,
                                      uint32_t count_max) GW_MUST_USE;
void gw_address_counts_deinit(struct gw_address_counts *counts);
// One more; false when there are count_max already. Never more than total_max at a time.
bool gw_address_counts_acquire(struct gw_address_counts *counts, uint64_t key) GW_MUST_USE;
// One less, for each that was acquired.
void gw_address_counts_release(struct gw_address_counts *counts, uint64_t key);
