// SPDX-License-Identifier: MIT
#pragma once
// How long a worker has not counted a heartbeat (heartbeat.h), as its supervisor sees it. The
// silence is counted look by look, and one look counts for GW_WATCHDOG_LOOK_MS_MAX at most: when
// everything stood still, the supervisor too (a suspended machine, a frozen container, a stopped
// group of processes), that is no silence of the worker.

#include <stdbool.h>
#include <stdint.h>

#define GW_WATCHDOG_SILENT_MS 5000 // from then on the worker counts as one that stands still
#define GW_WATCHDOG_LOOK_MS_MAX 2000

struct gw_watchdog {
    int64_t beats;
    uint64_t looked_ms;
    uint64_t silent_ms;
    bool has_beaten; // since it started; one that has not does not listen yet
};

// A worker starts, having counted `beats`.
void gw_watchdog_start(struct gw_watchdog *watchdog, int64_t beats, uint64_t now_ms);
// Once a second or more often. Returns for how long there was no beat.
uint64_t gw_watchdog_look(struct gw_watchdog *watchdog, int64_t beats, uint64_t now_ms);
