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
#define GW_LISTENER_SETTLE_MS 50  // longer than the handshake of TCP takes between machines

struct gw_listener_options {
    const char *name;    // for the log: "https"
    const char *address; // "host:port", "[v6]:port"; port 0: any free one
    bool shares_port;
    bool is_handed_over; // `fd` listens, and somebody else keeps it, too
    int fd;
};

struct gw_listener {
    struct gw_listener_options options;
    uv_tcp_t tcp;
    struct gw_conn_group *group; // takes the connections
    struct tls_context *tls;     // NULL: plain; borrowed
    enum gw_site site;
    uv_prepare_t turn_end; // before the loop looks at the sockets again
    int taken;             // in this turn
    uint64_t complain_ms;  // uv_now from which a failed accept is logged again
    bool is_open;
    void (*on_finished)(struct gw_listener *listener); // NULL: goes on accepting
    uv_timer_t settle;                                 // running: newcomers may be half-way
    uv_tcp_t turned_away; // the connection that is closed for want of memory
    bool is_turning_away;
    bool is_one_waiting; // in libuv: for `turned_away` to close, or for the next turn
};

// Binds the address, or logs the problem. A listener that failed needs no close.
enum gw_status gw_listener_open(struct gw_listener *listener, struct gw_conn_group *group,
                                struct tls_context *tls, enum gw_site site,
                                const struct gw_listener_options *options) GW_MUST_USE;
// Listens, and logs the bound address or the problem. Until then connections are refused.
enum gw_status gw_listener_listen(struct gw_listener *listener) GW_MUST_USE;
// Takes the address for processes that will share it, without listening: a socket to keep until
// they end, or -1 after a log line. `is_alone`: fails where another gateway listens. `bound`
// receives the address with its port (terminated), port 0 resolved.
#define GW_LISTENER_ADDRESS_BYTES 80
int gw_listener_reserve(const struct gw_listener_options *options, bool is_alone,
                        char bound[GW_LISTENER_ADDRESS_BYTES]) GW_MUST_USE;
// No further connection begins; those that have begun are taken, also from the queue of the kernel,
// which a close would reset. Then the listener closes, and on_finished comes from the loop. What
// begins while it settles is not answered: its SYN is sent again, and refused when the port is
// closed. With a time of 0 what begins at the last moment is reset. The queue of a socket that was
// handed over is left to those that come after.
void gw_listener_finish(struct gw_listener *listener, uint64_t settle_ms,
                        void (*on_finished)(struct gw_listener *listener));
// Stops accepting at once; on_finished does not follow. Harmless when not open.
void gw_listener_close(struct gw_listener *listener);
