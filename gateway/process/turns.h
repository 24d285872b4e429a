// SPDX-License-Identifier: MIT
#pragma once
// How long the turns of the loop take, each from one wait for sockets and timers to the next. While
// one lasts nobody else is served, so the longest is the delay that everybody may have met: a
// metric. A turn of GW_TURN_LONG_MS is a line in the log, with the part of the program that took
// most of it (base/turn_part.h) and the processor time: if that is much less, the process waited
// for the machine, or for something that blocks.

#include <stdint.h>
#include <uv.h>

#include "gateway/settings/metrics.h"

#define GW_TURN_LONG_MS 100
#define GW_TURN_WINDOW_MS 60000 // the metric is of this window and the one before

struct gw_turns {
    uv_prepare_t prepare; // does not keep the loop alive
    struct gw_metrics *metrics;
    uint64_t began_ns;     // of the turn; 0: before the first
    uint64_t idle_ns;      // of the loop, all waits together, at that moment
    uint64_t processor_ns; // of the thread, at that moment
    uint64_t window_began_ns;
    uint64_t window_longest_ns;
    uint64_t window_before_ns; // the longest of that
};

// Before the loop has run, and before other handles that prepare for a wait: they are called the
// other way round, and what they do is part of the turn.
void gw_turns_open(struct gw_turns *turns, uv_loop_t *loop, struct gw_metrics *metrics);
void gw_turns_close(struct gw_turns *turns);
