// SPDX-License-Identifier: MIT
#pragma once
// The state of a connection, which gateway/client/conn.h pictures; only the steps in conn.c set it.

#include <stdbool.h>
#include <stddef.h>

#include "gateway/auth/authz.h"
#include "gateway/client/group.h"
#include "gateway/client/input.h"
#include "gateway/client/output.h"
#include "gateway/client/peer.h"
#include "gateway/exchange/exchange.h"
#include "gateway/http/parse.h"
#include "gateway/net/transport.h"

#define GW_CONN_STATES(X)                                                                          \
    X(OPEN, step_open)         /* the PROXY header and the TLS handshake are awaited */            \
    X(HEAD, step_head)         /* between requests, and up to the end of the next head */          \
    X(DECIDE, step_decide)     /* the verdict is awaited */                                        \
    X(DELAY, step_delay)       /* a refusal is held back */                                        \
    X(HANDLE, step_handle)     /* the body is read, the response written */                        \
    X(FAREWELL, step_farewell) /* after the last response */                                       \
    X(LINGER, step_linger)     /* the end of the peer is awaited */                                \
    X(CLOSE, step_close)

enum gw_conn_state {
#define X(name, step) GW_CONN_##name,
    GW_CONN_STATES(X)
#undef X
};

// Of the byte stream. Moves on alone, never back.
enum gw_conn_phase {
    GW_PHASE_OPENING,
    GW_PHASE_OPEN,
    GW_PHASE_ENDED,  // the peer sends no more
    GW_PHASE_FAILED, // broken TLS: the transport says so to the peer, whose end is awaited
    GW_PHASE_BROKEN, // a response was cut: the peer has to see a reset
    GW_PHASE_GONE    // the peer has left, or its time is over
};

enum gw_conn_serving { GW_SERVED_NOTHING, GW_SERVING, GW_SERVED };

struct gw_conn {
    struct gw_transport transport;
    struct gw_http_parser parser;
    struct gw_exchange exchange;
    struct gw_decision decision;
    struct gw_deadline deadline;
    struct gw_group_member member;
    struct gw_conn_group *group;
    struct gw_peer peer;
    struct gw_input input;
    struct gw_output output;
    enum gw_conn_state state;
    enum gw_conn_phase phase;
    enum gw_conn_serving serving;    // GW_SERVING: the exchange is under way
    enum gw_deadline_id deadline_id; // GW_DEADLINE_COUNT: none is set
    size_t body_bytes;               // of the request, since its deadline was set
    uint64_t linger_ends_ms;         // 0: the wait for the peer's end has not begun
    size_t linger_bytes;             // dropped since the last response
    bool is_advancing;
    bool is_expired; // the deadline of this state has passed
    bool is_decided;
    bool is_body_wanted;
    bool is_input_paused;
    bool is_dismissed; // no further request is waited for
};

// One of a client: it counts against the limits and in the times of the metrics. Those of the admin
// port do neither.
static inline bool gw_conn_is_client(const struct gw_conn *conn) {
    return conn->exchange.site != GW_SITE_ADMIN;
}
