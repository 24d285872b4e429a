// SPDX-License-Identifier: MIT
#pragma once
// The connections that wait for a request, so that one of them can make room for a newcomer: of the
// address (client key, base/ip.h) that has most of them waiting, the one that has waited longest.
// Who opens many loses its own.
//
//      ranks   [0] [1] ... [top]                 by how many wait, about
//                   |        |
//      classes      c - c    c                   of addresses
//                   |   |    |
//      members      m   m    m - m - m - m       the oldest first
//
// An address with more than GW_IDLE_FEW connections, waiting or busy, takes no place of one that
// has fewer: a crowd that keeps its own busy would drive out all others.
//
// Every operation is a few steps: a request takes its connection out and puts it back. Addresses
// fall into GW_IDLE_CLASSES classes by a secret hash; those that share one count as one, which
// costs the smaller of them an early end of its idle connections. Classes with 64 or more have the
// rank of those that have about as many (within 4 %).

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/status.h"

#define GW_IDLE_CLASSES 16384
#define GW_IDLE_RANKS 864 // for any count of an int
#define GW_IDLE_FEW 8

struct gw_idle_class {
    struct gw_list waiting; // members
    struct gw_list link;    // of its rank
    int waiting_count;
    int member_count; // the busy ones too
};

struct gw_idle {
    struct gw_idle_class *classes; // NULL: not initialised, and nothing is kept
    struct gw_list ranks[GW_IDLE_RANKS];
    int top; // no rank above has a class
    uint64_t seed;
};

// Embedded by the connection; all zero before its first use.
struct gw_idle_member {
    struct gw_list link;
    struct gw_idle_class *of; // NULL: has not joined
    bool is_waiting;
};

// `seed` is secret (base/hash.h). GW_NO_MEMORY.
enum gw_status gw_idle_init(struct gw_idle *idle, uint64_t seed) GW_MUST_USE;
void gw_idle_deinit(struct gw_idle *idle);
// Busy. Again when it turns out to be of another client.
void gw_idle_join(struct gw_idle *idle, struct gw_idle_member *member, uint64_t client_key);
// For good. Harmless when it has not joined.
void gw_idle_leave(struct gw_idle *idle, struct gw_idle_member *member);
// Waits from now on; changes nothing for one that does, or has not joined.
void gw_idle_enter(struct gw_idle *idle, struct gw_idle_member *member);
// Is busy. Harmless when it does not wait.
void gw_idle_exit(struct gw_idle *idle, struct gw_idle_member *member);
// The one that makes room for the newcomer, which has joined; NULL: none.
struct gw_idle_member *gw_idle_pick(struct gw_idle *idle, const struct gw_idle_member *newcomer);
