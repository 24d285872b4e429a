// SPDX-License-Identifier: MIT
#pragma once
// The state of the upstream, and how a call gets a connection: one that rests, or a new one, to the
// addresses that the balancer picks, one after the other. What becomes of the call when its
// connection fails is decided above, in pool.c, which alone uses this.
//
// A call and its connection know each other, and part here: whoever takes the call away parks or
// closes the connection.

#include <stdbool.h>

#include "base/status.h"
#include "gateway/upstream/balancer.h"
#include "gateway/upstream/call.h"
#include "gateway/upstream/conn.h"
#include "gateway/upstream/origins.h"

struct gw_upstream {
    const struct gw_services *services;
    const struct gw_upstream_conn_events *conn_events;
    struct gw_upstream_conn_lists waiting; // connections that have no address yet
    struct gw_upstream_balancer balancer;
    struct gw_upstream_origins origins;
    bool is_closing;
    void (*on_closed)(struct gw_upstream *upstream);
};

uint64_t gw_upstream_now_ms(const struct gw_upstream *upstream);
// Of a connection that has an address.
struct gw_upstream_peer *gw_upstream_peer_of(const struct gw_upstream_conn *conn);

// NULL: the connection had no call.
struct gw_upstream_call *gw_upstream_detach(struct gw_upstream_conn *conn);
// Its call is gone. An ejected address that this attempt was to probe may be probed again.
void gw_upstream_close_connection(struct gw_upstream_conn *conn);
void gw_upstream_close_connections(struct gw_list *conns);
// A failed connection may mean that the name has other addresses by now, so they are looked up.
void gw_upstream_report_failure(struct gw_upstream *upstream, struct gw_upstream_peer *peer,
                                const char *reason);

// The connection is open and has a call. GW_NO_MEMORY.
enum gw_status gw_upstream_send_head(struct gw_upstream_conn *conn) GW_MUST_USE;
// Gives the call a connection to an address that it has not tried: a fresh one, or one that rests
// if that may be. GW_UNAVAILABLE, GW_SYSTEM, GW_NO_MEMORY, with the reason in the call.
enum gw_status gw_upstream_find_connection(struct gw_upstream *upstream,
                                           struct gw_upstream_call *call,
                                           bool may_rest) GW_MUST_USE;
// A fresh one, to an address that it has tried already if there is no other.
enum gw_status gw_upstream_find_another_connection(struct gw_upstream *upstream,
                                                   struct gw_upstream_call *call) GW_MUST_USE;
// The call of the connection waited for an address until now, and there is one.
enum gw_status gw_upstream_leave_waiting(struct gw_upstream_conn *conn) GW_MUST_USE;
// Why a connection could not even be started, for the log.
const char *gw_upstream_connect_problem(enum gw_status status);
