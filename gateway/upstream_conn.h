// SPDX-License-Identifier: MIT
#pragma once
// One connection to the registry, for gateway/upstream.c alone: it carries the request of one call at a time, reads the
// response, and keeps its deadlines. What that means for the call (retry, another address, back to the pool) is decided by the owner, to
// whom it is reported through struct gw_upstream_conn_events.
//
//   RESOLVING --> CONNECTING --> BUSY <--> IDLE
//       |             |           |         |
//       +-------------+-----------+---------+--> CLOSING --> on_closed
//
// Before IDLE it has a call, unless that was detached, and then it must be closed. It is never connected twice.

#include <stdbool.h>
#include <uv.h>

#include "base/list.h"
#include "base/status.h"
#include "gateway/deadline.h"
#include "gateway/http_parse.h"
#include "gateway/services.h"
#include "gateway/transport.h"
#include "gateway/upstream.h"

#define GW_UPSTREAM_CONN_STATES(X)                                                                 \
    X(RESOLVING, "resolving")                                                                      \
    X(CONNECTING, "connecting")                                                                    \
    X(BUSY, "busy")                                                                                \
    X(IDLE, "idle")                                                                                \
    X(CLOSING, "closing")

enum gw_upstream_conn_state {
#define X(name, text) GW_UPSTREAM_CONN_##name,
    GW_UPSTREAM_CONN_STATES(X)
#undef X
        GW_UPSTREAM_CONN_STATE_COUNT
};

// The connections of one upstream by state, those that entered it last first.
struct gw_upstream_conn_lists {
    struct gw_list of[GW_UPSTREAM_CONN_STATE_COUNT];
    int counts[GW_UPSTREAM_CONN_STATE_COUNT];
};

// Each but on_closed is the last thing the connection does in its turn: the owner detaches the call, and rests or
// closes the connection.
struct gw_upstream_conn_events {
    // Not connected. GW_UNAVAILABLE, GW_TIMED_OUT.
    void (*on_unreachable)(struct gw_upstream_conn *conn, enum gw_status status,
                           const char *reason);
    // Closed by the peer before the response was whole.
    void (*on_lost)(struct gw_upstream_conn *conn);
    // GW_INVALID, GW_TIMED_OUT, GW_NO_MEMORY.
    void (*on_failed)(struct gw_upstream_conn *conn, enum gw_status status, const char *reason);
    // The response is whole. Not `is_clean`: the connection ended with it, or sent more than it.
    void (*on_complete)(struct gw_upstream_conn *conn, bool is_clean);
    // Every handle has closed, the connection is about to be freed; a call may still be attached.
    void (*on_closed)(struct gw_upstream_conn *conn);
};

struct gw_upstream_conn {
    struct gw_transport transport;
    struct gw_http_parser parser;
    struct gw_deadline deadline;
    struct gw_list link; // of its state's list
    struct gw_upstream_conn_lists *lists;
    const struct gw_upstream_conn_events *events;
    const struct gw_services *services;
    struct gw_upstream *upstream;
    struct gw_upstream_call *call;
    uv_connect_t connect;
    enum gw_upstream_conn_state state;
    int address; // index
    int interim_count;
    bool was_used;     // it brought a response before, so it may have died of age
    bool has_answered; // a byte of the response to this call came
    bool has_head;     // the final head of this call was delivered
    bool is_reusable;  // as far as that head says
    size_t unsent_when_watched;
};

void gw_upstream_conn_lists_init(struct gw_upstream_conn_lists *lists);

// In state RESOLVING, where it waits for gw_upstream_conn_connect under the deadline for connecting. GW_NO_MEMORY.
enum gw_status gw_upstream_conn_create(struct gw_upstream *upstream,
                                       const struct gw_services *services,
                                       struct gw_upstream_conn_lists *lists,
                                       const struct gw_upstream_conn_events *events,
                                       struct gw_upstream_conn **conn) GW_MUST_USE;
void gw_upstream_conn_attach(struct gw_upstream_conn *conn, struct gw_upstream_call *call);
// NULL when there is none.
struct gw_upstream_call *gw_upstream_conn_detach(struct gw_upstream_conn *conn);
// Once connected it sends the request of its call. On failure: close it.
enum gw_status gw_upstream_conn_connect(struct gw_upstream_conn *conn, int index,
                                        const struct sockaddr *address) GW_MUST_USE;
// From IDLE, with a call: its head, and what was sent of its body so far. On failure: close it.
enum gw_status gw_upstream_conn_send_request(struct gw_upstream_conn *conn) GW_MUST_USE;
// What was put into gw_transport_output goes out.
void gw_upstream_conn_flush(struct gw_upstream_conn *conn);
void gw_upstream_conn_set_paused(struct gw_upstream_conn *conn, bool is_paused);
// True when another request may follow the response just completed.
bool gw_upstream_conn_may_rest(const struct gw_upstream_conn *conn);
// To IDLE, after the call was detached.
void gw_upstream_conn_rest(struct gw_upstream_conn *conn);
// Idempotent.
void gw_upstream_conn_close(struct gw_upstream_conn *conn);
