// SPDX-License-Identifier: MIT
#pragma once
// A listening socket. Opened here and handed to libuv, because libuv 1.44 has no SO_REUSEPORT
// (several processes on one port). One turn of the loop takes GW_ACCEPTS_PER_TURN_MAX of the
// connections that wait, so a crowd of newcomers keeps no other client waiting for long.
//
// libuv takes a connection before it reports it, and listens on only when that connection is
// accepted. A connection for which there is no memory is accepted into a handle that is part of the
// listener, and closed.

#include <stdbool.h>
#include <uv.h>

#include "base/status.h"
#include "gateway/client/accept.h"
#include "tls/context.h"

#define GW_ACCEPTS_PER_TURN_MAX 8 // of a port, between two looks at the sockets

struct gw_listener {
    uv_tcp_t tcp;
    struct gw_conn_group *group; // takes the connections
    struct tls_context *tls;     // NULL: plain; borrowed
    enum gw_conn_kind kind;
    uv_prepare_t turn_end; // before the loop looks at the sockets again
    int taken;             // in this turn
    uint64_t complain_ms;  // uv_now from which a failed accept is logged again
    bool is_open;
    uv_tcp_t turned_away; // the connection that is closed for want of memory
    bool is_turning_away;
    bool is_one_waiting; // in libuv: for `turned_away` to close, or for the next turn
};

struct gw_listener_options {
    const char *name;    // for the log: "https"
    const char *address; // "host:port", "[v6]:port"; port 0: any free one
    bool shares_port;
};

// Binds and listens; logs the bound address, or the problem. A listener that failed needs no close.
enum gw_status gw_listener_open(struct gw_listener *listener, struct gw_conn_group *group,
                                struct tls_context *tls, enum gw_conn_kind kind,
                                const struct gw_listener_options *options) GW_MUST_USE;
// Takes the address for processes that will share it, without listening: a socket to keep until
// they end, or -1 after a log line. `bound` receives the address with its port (terminated), port 0
// resolved.
#define GW_LISTENER_ADDRESS_BYTES 80
int gw_listener_reserve(const struct gw_listener_options *options,
                        char bound[GW_LISTENER_ADDRESS_BYTES]) GW_MUST_USE;
// Stops accepting. Harmless when not open.
void gw_listener_close(struct gw_listener *listener);
