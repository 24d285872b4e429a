// SPDX-License-Identifier: MIT
#pragma once
// What a worker shows of itself in the metrics: its processor time, memory and descriptors, and
// since when nothing was heard of the database. Read from the kernel once a second, so a scrape
// that another worker answers has numbers up to a second old.

#include "gateway/exchange/services.h"

struct gw_vitals {
    uint64_t began_ms; // uv_now
    int64_t start_ms;  // wall clock
};

// As the process begins: what a worker before it has used goes on.
void gw_vitals_start(struct gw_vitals *vitals, const struct gw_services *services);
// How many descriptors are open: what `folder`, /proc/self/fd, says since Linux 6.2; else the
// lowest number that is free, which is less than that after a peak.
int64_t gw_vitals_open_fds(const char *folder);
void gw_vitals_publish(const struct gw_vitals *vitals, struct gw_services *services);
