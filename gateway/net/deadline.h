// SPDX-License-Identifier: MIT
#pragma once
// Deadlines for many objects of few kinds. Each kind has one fixed duration, so the list of a kind
// is in order of expiry by itself: setting a deadline moves a node to the end of a list, and a tick
// looks at the heads only. No heap, no timer for each connection. Coarse: a deadline fires up to
// GW_DEADLINE_TICK_MS late, and at most GW_DEADLINE_EXPIRED_PER_TURN fire in one turn of the loop,
// the rest a millisecond later and so on, because objects that began together often end together.
//
// Time in which the loop did not run is nobody's fault but ours: of a pause of the process or of
// its machine no more than GW_DEADLINE_GAP_MS counts.

#include <stdint.h>
#include <uv.h>

#include "base/list.h"

#define GW_DEADLINE_TICK_MS 100
#define GW_DEADLINE_EXPIRED_PER_TURN 32
#define GW_DEADLINE_GAP_MS 1000

struct gw_deadline_kind {
    struct gw_list waiting;
    uint64_t duration_ms;
};

struct gw_deadline {
    struct gw_list link;
    uint64_t expires_ms;                              // uv_now of the loop
    void (*on_expired)(struct gw_deadline *deadline); // once; it may be set again inside
};

struct gw_deadlines {
    uv_timer_t timer;
    uint64_t ticked_ms; // when the timer last fired
    struct gw_deadline_kind *kinds;
    int kind_count;
    void (*on_closed)(struct gw_deadlines *deadlines);
};

void gw_deadline_kind_init(struct gw_deadline_kind *kind, uint64_t duration_ms);
// `kinds` belongs to the caller. The timer does not keep the loop alive.
void gw_deadlines_open(struct gw_deadlines *deadlines, uv_loop_t *loop,
                       struct gw_deadline_kind *kinds, int kind_count);
void gw_deadlines_close(struct gw_deadlines *deadlines,
                        void (*on_closed)(struct gw_deadlines *deadlines));

void gw_deadline_init(struct gw_deadline *deadline,
                      void (*on_expired)(struct gw_deadline *deadline));
// (Re)starts: expires kind->duration_ms from now_ms (uv_now).
void gw_deadline_set(struct gw_deadline *deadline, struct gw_deadline_kind *kind, uint64_t now_ms);
// Harmless when not set.
void gw_deadline_clear(struct gw_deadline *deadline);
