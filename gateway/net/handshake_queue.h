// SPDX-License-Identifier: MIT
#pragma once
// The turns of TLS handshakes. A full handshake costs as much as hundreds of requests, so a flood
// of them, done as they come, would stop the loop for all other connections. Instead each handshake
// takes turns: between two polls of the sockets, turns are given for GW_HANDSHAKE_BUDGET_US, then
// all other events are served, and so on.
//
// Two kinds, each in order of arrival. SHORT: a hello with a ticket, and the later flights of a
// handshake that has begun. FULL: every other hello. SHORT gets the first half of the time, FULL
// the rest, and each at least one turn: a client with forged tickets delays others but cannot shut
// them out.
//
// The waiting hellos are counted (tls_handshakes_waiting) and bounded: the newest is refused. The
// connection's handshake deadline bounds how long one waits.

#include <stdbool.h>
#include <uv.h>

#include "base/list.h"
#include "base/status.h"
#include "gateway/settings/metrics.h"

#define GW_HANDSHAKE_BUDGET_US 250 // between two polls of the sockets

enum gw_handshake_kind { GW_HANDSHAKE_SHORT, GW_HANDSHAKE_FULL, GW_HANDSHAKE_KINDS };

// Embedded in each handshake.
struct gw_handshake_turn {
    struct gw_list link;
    void (*on_turn)(struct gw_handshake_turn *turn); // from the loop, once for each request
    bool is_newcomer;                                // a hello that waits
};

// One for each loop.
struct gw_handshake_queue {
    uv_idle_t idle; // active while a turn is asked for, so that the loop does not sleep
    struct gw_list waiting[GW_HANDSHAKE_KINDS];
    struct gw_metrics *metrics;
    int newcomers_max;
};

void gw_handshake_queue_open(struct gw_handshake_queue *queue, uv_loop_t *loop, int newcomers_max,
                             struct gw_metrics *metrics);
// No turn may be asked for after this.
void gw_handshake_queue_close(struct gw_handshake_queue *queue);

void gw_handshake_turn_init(struct gw_handshake_turn *turn,
                            void (*on_turn)(struct gw_handshake_turn *turn));
// A hello asks for its turn. GW_TOO_BIG: too many wait (tls_handshakes_refused_total).
enum gw_status gw_handshake_queue_begin(struct gw_handshake_queue *queue,
                                        struct gw_handshake_turn *turn,
                                        enum gw_handshake_kind kind) GW_MUST_USE;
// A later flight asks for its turn. Harmless while it waits.
void gw_handshake_queue_go_on(struct gw_handshake_queue *queue, struct gw_handshake_turn *turn);
// Harmless while it does not wait.
void gw_handshake_queue_leave(struct gw_handshake_queue *queue, struct gw_handshake_turn *turn);
