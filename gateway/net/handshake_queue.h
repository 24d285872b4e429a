// SPDX-License-Identifier: MIT
#pragma once
// When TLS handshakes are worked on. A full handshake costs as much as hundreds of requests, so a
// flood of them, done as they come, would keep the loop from everybody else. Instead each takes a
// turn: between two looks at the sockets, turns are given for GW_ADMISSION_BUDGET_US, then
// everything that has come is served, and so on.
//
// Two queues, each in order of arrival. SHORT: a hello that brings a ticket, and the later flights
// of a handshake that has begun. FULL: every other hello. SHORT gets the first half of the time,
// FULL the rest, and each at least one turn: whoever shows made-up tickets can push others back but
// not shut them out.
//
// The hellos that wait are counted (tls_handshakes_waiting) and bounded: the newest is refused. How
// long one may wait is the business of the connection's handshake deadline.

#include <stdbool.h>
#include <uv.h>

#include "base/list.h"
#include "base/status.h"
#include "gateway/settings/metrics.h"

#define GW_ADMISSION_BUDGET_US 250 // of TLS handshakes, between two looks at the sockets

enum gw_admission_queue { GW_ADMISSION_SHORT, GW_ADMISSION_FULL, GW_ADMISSION_QUEUES };

// Embedded by whoever waits.
struct gw_admission_turn {
    struct gw_list link;
    void (*on_turn)(
        struct gw_admission_turn *turn); // from the loop, once for each time it was asked for
    bool is_newcomer;
};

// One per loop.
struct gw_admission {
    uv_idle_t idle; // active while somebody waits: the loop does not sleep then
    struct gw_list queues[GW_ADMISSION_QUEUES];
    struct gw_metrics *metrics;
    int newcomers_max;
};

void gw_admission_open(struct gw_admission *admission, uv_loop_t *loop, int newcomers_max,
                       struct gw_metrics *metrics);
// Nobody may wait any more.
void gw_admission_close(struct gw_admission *admission);

void gw_admission_turn_init(struct gw_admission_turn *turn,
                            void (*on_turn)(struct gw_admission_turn *turn));
// A hello asks for its turn. GW_TOO_BIG: as many wait as may (tls_handshakes_refused_total).
enum gw_status gw_admission_begin(struct gw_admission *admission, struct gw_admission_turn *turn,
                                  enum gw_admission_queue queue) GW_MUST_USE;
// A later flight asks for its turn. Harmless when it waits already.
void gw_admission_go_on(struct gw_admission *admission, struct gw_admission_turn *turn);
// Harmless when it does not wait.
void gw_admission_leave(struct gw_admission *admission, struct gw_admission_turn *turn);
