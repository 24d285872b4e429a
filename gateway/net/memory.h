// SPDX-License-Identifier: MIT
#pragma once
// The memory in which bytes wait for peers that do not take them: answers for clients, bodies for
// the registry, requests behind others. Counted over all transports of a loop, bounded
// (--memory-max), and given back to the system when a crowd has gone.
//
// Half of the bound is tight: from there on less is read ahead for each connection. Over the bound,
// the connection that has got on least recently is ended, whatever came next, until the rest fits.
// Refusing newcomers instead would let those that take nothing lock everybody out.
//
// What a connection costs while nothing waits (its struct, its TLS session) is not counted:
// --connections-max bounds that.

#include <stdbool.h>
#include <stddef.h>

#include "base/list.h"
#include "gateway/settings/metrics.h"

// Less than that is not worth giving back: the allocator uses it again.
#define GW_MEMORY_GIVEN_BACK_MIN (16 * 1024 * 1024)

// Embedded in each that may hold some. All zero but for the link: it holds none.
struct gw_holding {
    struct gw_list link; // of the holders
    size_t bytes;
};

struct gw_memory {
    struct gw_list holders; // the one that got on least recently first
    size_t held_bytes;
    size_t max_bytes;  // 0: no bound
    size_t peak_bytes; // since memory was given back
    bool is_over;      // since it was tight last, somebody was ended
    struct gw_metrics *metrics;
    void (*give_back)(void);
};

void gw_memory_init(struct gw_memory *memory);
// memory_held_bytes and memory_ended_total are counted from now on. `max_bytes` 0: no bound.
void gw_memory_set_bound(struct gw_memory *memory, size_t max_bytes, struct gw_metrics *metrics);

void gw_holding_init(struct gw_holding *holding);
// From now on it holds `bytes`. Memory that was freed for that may be given back now.
void gw_memory_hold(struct gw_memory *memory, struct gw_holding *holding, size_t bytes);
// Its peer took something.
void gw_memory_note_progress(struct gw_memory *memory, struct gw_holding *holding);
bool gw_memory_is_tight(const struct gw_memory *memory);
// Over the bound: the one that the caller has to end, which counts as holding nothing any more;
// else NULL.
struct gw_holding *gw_memory_take_excess(struct gw_memory *memory);
