// SPDX-License-Identifier: MIT
#pragma once
// How many connections each client key (base/ip.h) has open, for --connections-per-address. A key
// with a count of 0 takes no place. Clients choose their addresses; where a key lies in the table
// is a secret of the process (base/table.h).

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/table.h"

struct gw_address_counts {
    struct gw_table table;
    uint32_t count_max; // 0: nothing is counted, everything allowed
};

// For `count_max` of each key; 0: no limit.
enum gw_status gw_address_counts_init(struct gw_address_counts *counts,
                                      uint32_t count_max) GW_MUST_USE;
void gw_address_counts_deinit(struct gw_address_counts *counts);
// One more; false when there are count_max already, or no memory is left to count it.
bool gw_address_counts_acquire(struct gw_address_counts *counts, uint64_t key) GW_MUST_USE;
// One less, for each that was acquired.
void gw_address_counts_release(struct gw_address_counts *counts, uint64_t key);
