// SPDX-License-Identifier: MIT
#pragma once
// Ids of keys that an issuer did not have when tokens named them, with the time at which each was
// first seen. Bounded: a flood of ids that do not exist pushes out the oldest. Hashes stand for the
// ids. Plain data.

#include <stdint.h>

#define GW_UNKNOWN_KIDS_MAX 64 // of each issuer

struct gw_unknown_kid {
    uint64_t hash;
    int64_t seen_ms;
};

// All zero at first.
struct gw_unknown_kids {
    struct gw_unknown_kid at[GW_UNKNOWN_KIDS_MAX];
    int count;
    int next; // the oldest, once all places are taken
};

// When the id was first seen: now, if it is a new one.
int64_t gw_unknown_kids_note(struct gw_unknown_kids *kids, uint64_t hash, int64_t now_ms);
