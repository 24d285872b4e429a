// SPDX-License-Identifier: MIT
#pragma once
// One connection of a client, from accept to close: carries requests one after another over a
// transport, decides each, hands it to its handler and writes the answer. Pipelined requests are
// answered in order, one at a time; what has been read and cannot be parsed yet waits in a bounded
// buffer.
//
//            on_open          head read           verdict: allow
//   OPEN ─────────────▶ HEAD ───────────▶ DECIDE ───────────────▶ HANDLE
//                        ▲  │ refused        │ refused              │
//                        │  └────────────────┴──────────▶───────────┤ response complete
//                        └──────────────── keep-alive ◀─────────────┤
//                                                                   ▼ close
//                                    CLOSE ◀── peer gone / time ── LINGER
//
// A client over its budget of failed tokens is refused late: DECIDE goes through DELAY then.
//
// A connection owns itself: it is freed when its last handle has closed, and tells its group
// before.

#include <uv.h>

#include "base/list.h"
#include "gateway/exchange/services.h"
#include "gateway/net/connection_counts.h"
#include "tls/context.h"

struct gw_conn;

enum gw_conn_kind { GW_CONN_CLIENT, GW_CONN_ADMIN };

// All connections of a process; embedded by the server.
struct gw_conn_group {
    struct gw_services *services;
    struct gw_list conns;
    struct gw_list unflushed; // have output of handlers that answered outside of a read
    uv_prepare_t flusher;
    int open_count;
    int count_max;
    struct gw_address_counts addresses; // counts nothing unless initialised by the owner
    void (*on_drained)(struct gw_conn_group *group);
    void (*on_closed)(struct gw_conn_group *group);
    bool is_flusher_closed;
};

void gw_conn_group_open(struct gw_conn_group *group, struct gw_services *services, int count_max);
// Accepts the next connection of `listener`. `tls` NULL: plain. Over the limit, or without memory
// for what belongs to a connection, the newcomer is closed at once. GW_NO_MEMORY: not even that
// could be done, and nothing was accepted.
enum gw_status gw_conn_group_accept(struct gw_conn_group *group, uv_stream_t *listener,
                                    struct tls_context *tls, enum gw_conn_kind kind) GW_MUST_USE;
// services->is_draining was set: closes connections without a request; the others close after their
// response. on_drained is called once, from the loop, when the last one has closed; never if none
// is open (open_count == 0).
void gw_conn_group_drain(struct gw_conn_group *group,
                         void (*on_drained)(struct gw_conn_group *group));
// Closes every connection, then the group's own handle, then calls back.
void gw_conn_group_close(struct gw_conn_group *group,
                         void (*on_closed)(struct gw_conn_group *group));
