// SPDX-License-Identifier: MIT
#pragma once
// One connection to the registry: it carries one request at a time, reads the response, and keeps
// its deadlines. It reports to its owner, the pool, through struct gw_upstream_conn_events; the
// owner decides what follows: another attempt, another address, back to the pool. Of the call it
// knows only whether there is one.
//
//   RESOLVING --> CONNECTING --> BUSY <--> IDLE
//       |             |           |         |
//       +-------------+-----------+---------+--> CLOSING --> on_closed
//
// Before IDLE it has a call; an owner that takes the call away closes it. It connects only once.

#include <stdbool.h>
#include <uv.h>

#include "base/list.h"
#include "base/status.h"
#include "gateway/exchange/services.h"
#include "gateway/http/parse.h"
#include "gateway/net/deadline.h"
#include "gateway/net/transport.h"

#define GW_UPSTREAM_IDLE_CONNECTIONS_MAX 64   // to each address
#define GW_UPSTREAM_KEEP_ALIVE_MARGIN_MS 1000 // before the registry closes, if it says when
// Of a request, acknowledged within the time for an answer: the registry is slow, and not dead.
#define GW_UPSTREAM_PROGRESS_BYTES_MIN (16 * 1024)

struct gw_upstream_call;

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

// Connections by state, the latest to enter it first: one struct for those that wait for a name,
// and one for each address.
struct gw_upstream_conn_lists {
    struct gw_list of[GW_UPSTREAM_CONN_STATE_COUNT];
    int counts[GW_UPSTREAM_CONN_STATE_COUNT];
};

struct gw_upstream_conn;

// Only on_closed comes without a call. on_unreachable, on_lost, on_failed and on_complete are the
// last act of the connection in its turn: the owner takes the call away, and parks or closes the
// connection.
struct gw_upstream_conn_events {
    // Connected: begin the request now.
    void (*on_open)(struct gw_upstream_conn *conn);
    // The head of an interim response, 1xx; valid during the call.
    void (*on_interim)(struct gw_upstream_conn *conn, const struct gw_http_head *head);
    // The head of the final response; then its body in pieces. Both are valid during the call.
    void (*on_head)(struct gw_upstream_conn *conn, const struct gw_http_head *head);
    void (*on_body)(struct gw_upstream_conn *conn, struct gw_str bytes);
    // The registry took waiting bytes (on_drain of gateway/net/transport.h).
    void (*on_drain)(struct gw_upstream_conn *conn);
    // Not connected. GW_UNAVAILABLE, GW_TIMED_OUT.
    void (*on_unreachable)(struct gw_upstream_conn *conn, enum gw_status status,
                           const char *reason);
    // Lost before the response was whole. GW_CLOSED: by the peer; GW_TIMED_OUT: its host answers no
    // more.
    void (*on_lost)(struct gw_upstream_conn *conn, enum gw_status status);
    // GW_INVALID, GW_TIMED_OUT, GW_NO_MEMORY.
    void (*on_failed)(struct gw_upstream_conn *conn, enum gw_status status, const char *reason);
    // The response is whole. Not `is_clean`: the connection ended with it, or sent more than it.
    void (*on_complete)(struct gw_upstream_conn *conn, bool is_clean);
    // Every handle has closed, the connection is about to be freed; a call may still be there.
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
    struct gw_upstream *upstream;  // the owner's
    struct gw_upstream_call *call; // the owner's; NULL: no response is awaited
    uv_connect_t connect;
    enum gw_upstream_conn_state state;
    int interim_count;
    bool has_odd_interim;   // one of them framed a body, which it may not have
    bool was_used;          // was parked before, so the registry may have closed it since
    bool has_answered;      // a byte of the response to this request came
    bool has_head;          // its final head was delivered
    bool is_reusable;       // according to that head
    uint64_t idle_max_ms;   // according to that head
    uint64_t parked_ms;     // when it entered IDLE
    bool is_request_whole;  // it is the registry's turn
    bool is_paused;         // the call does not take the response now
    bool has_limit;         // gw_transport_limit_silence
    uint64_t handed_before; // bytes, when this request began (gateway/net/transport_state.h)
    bool is_head_clocked;   // the clock runs over the rest of a head, whatever of it comes
    uint64_t watched_bytes; // acknowledged when the clock began
};

void gw_upstream_conn_lists_init(struct gw_upstream_conn_lists *lists);
// In any state.
int gw_upstream_conn_lists_count(const struct gw_upstream_conn_lists *lists);

// In state RESOLVING of `lists`, where it waits for gw_upstream_conn_connect under the deadline for
// connecting. GW_NO_MEMORY.
enum gw_status gw_upstream_conn_create(struct gw_upstream *upstream,
                                       const struct gw_services *services,
                                       struct gw_upstream_conn_lists *lists,
                                       const struct gw_upstream_conn_events *events,
                                       struct gw_upstream_conn **conn) GW_MUST_USE;
// Moves to `lists`; on_open or on_unreachable follows. `server` as gw_transport_connect has it, and
// `tunnel`, unless it is empty, as gw_transport_expect_tunnel. On failure: close it.
enum gw_status gw_upstream_conn_connect(struct gw_upstream_conn *conn,
                                        struct gw_upstream_conn_lists *lists,
                                        const struct sockaddr *address,
                                        const struct tls_server *server,
                                        struct gw_str tunnel) GW_MUST_USE;
// Inside on_open, or from IDLE, with a call. Append the request to the result, piece by piece, each
// followed by a flush. `is_head`: method HEAD, the response has no body. `has_body`: of the
// request; without one it is so short that a host which does not acknowledge it is gone.
struct gw_buf *gw_upstream_conn_begin(struct gw_upstream_conn *conn, bool is_head, bool has_body);
struct gw_buf *gw_upstream_conn_output(struct gw_upstream_conn *conn);
void gw_upstream_conn_flush(struct gw_upstream_conn *conn);
// All of the request is in the output: a flush starts the clock of the response.
void gw_upstream_conn_end_request(struct gw_upstream_conn *conn);
size_t gw_upstream_conn_unsent_bytes(const struct gw_upstream_conn *conn);
void gw_upstream_conn_set_paused(struct gw_upstream_conn *conn, bool is_paused);
// True when another request may follow the completed response. Says in the log when it may not
// because of the keys (gw_transport_is_worn).
bool gw_upstream_conn_may_park(const struct gw_upstream_conn *conn);
// To IDLE, after the call was taken away.
void gw_upstream_conn_park(struct gw_upstream_conn *conn);
// In IDLE: the registry has closed it, or sent what nobody asked for, and the loop has not
// read that yet; or the time that it announced for the connection is nearly over, so that a request
// might cross its end. A system call.
bool gw_upstream_conn_is_stale(const struct gw_upstream_conn *conn);
// Idempotent.
void gw_upstream_conn_close(struct gw_upstream_conn *conn);
