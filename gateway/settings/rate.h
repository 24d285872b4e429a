// SPDX-License-Identifier: MIT
#pragma once
// A rate, counted by GCRA (ITU-T I.371 annex A): each use moves a theoretical arrival time one
// interval on, and a use is one too many when that would run further ahead of the clock than a
// burst allows. A key needs this one number, and nothing once the number is in the past. Pure: the
// clock is the caller's.

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

struct gw_rate {
    uint64_t count; // in `period_s`; 0: no limit
    uint64_t period_s;
    uint64_t burst; // at once
};

struct gw_rate_verdict {
    bool is_allowed;
    uint64_t arrival_us; // the new state, for a use that is allowed and done
    uint64_t left;       // further uses allowed now
    uint64_t wait_us;    // until one more is
};

// "120/m", "10/s", "5000/h", or "off". The burst is then the count. GW_INVALID; GW_TOO_BIG for more
// than a million a second.
enum gw_status gw_rate_parse(struct gw_str text, struct gw_rate *rate) GW_MUST_USE;
// One more use at `now_us`; `arrival_us` is the state so far (0: no use yet). The rate has a count.
struct gw_rate_verdict gw_rate_judge(const struct gw_rate *rate, uint64_t arrival_us,
                                     uint64_t now_us);
// The state without one of the uses that are in it.
uint64_t gw_rate_give_back(const struct gw_rate *rate, uint64_t arrival_us);
// For Retry-After: whole seconds, at least one.
uint64_t gw_rate_seconds(uint64_t wait_us);
