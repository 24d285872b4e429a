// SPDX-License-Identifier: MIT
#pragma once
// What this process ran short of, as its counters tell: a line of the log for each kind, at most
// every ten seconds, and not one for each client that was turned away.

#include <stdint.h>

#include "gateway/settings/metrics.h"

#define GW_SHORTAGE_KINDS 3
#define GW_SHORTAGE_QUIET_MS 10000

struct gw_shortages {
    int64_t seen[GW_SHORTAGE_KINDS]; // of each counter, when it was logged
    uint64_t quiet_until_ms[GW_SHORTAGE_KINDS];
};

// The counters go on from what a worker before this one has counted.
void gw_shortages_start(struct gw_shortages *shortages, const struct gw_metrics *metrics);
void gw_shortages_look(struct gw_shortages *shortages, const struct gw_metrics *metrics,
                       uint64_t now_ms);
