// SPDX-License-Identifier: MIT
#pragma once
// The side of the process that clients see: the ports of --listen-https, --listen-http and
// --tokens-page and the connections that come through them, from bound to left. That of the page
// speaks TLS where the gateway has a certificate.
//
// Leaving is slow on purpose, so that nothing that a client sent is lost:
//   1. for --drain-delay the balancers hear of it (/readyz says no) while newcomers are accepted as
//      before; each answer says `Connection: close`;
//   2. the connections that wait to be accepted are taken, and the ports closed;
//   3. every connection goes on until its next answer, for --drain-timeout at most: its request may
//      be on its way. Those that still wait for one then are closed in good order;
//   4. the rest is cut.

#include <uv.h>

#include "gateway/client/group.h"
#include "gateway/process/handed_over.h"
#include "gateway/process/listener.h"

enum gw_front_stage {
    GW_FRONT_SERVING,
    GW_FRONT_DELAYED,
    GW_FRONT_DRAINING,
    GW_FRONT_CUT,
    GW_FRONT_CLOSED
};

struct gw_front {
    struct gw_services *services;
    struct gw_conn_group clients;
    struct gw_listener listeners[GW_PORT_CLIENTS_COUNT]; // by enum gw_port
    void (*on_left)(struct gw_front *front);
    enum gw_front_stage stage;
    uv_timer_t timer; // of the stage
};

// Cannot fail, and is to be closed.
void gw_front_init(struct gw_front *front, struct gw_services *services);
// Binds the ports that were not handed over, or logs why not. `tls` is lent; NULL: there is no
// certificate.
enum gw_status gw_front_open(struct gw_front *front, struct tls_context *tls,
                             const struct gw_handed_over *sockets) GW_MUST_USE;
// For the connections that begin from now on, in place of that of gw_front_open. Before that:
// harmless.
void gw_front_replace_tls(struct gw_front *front, struct tls_context *tls);
// Sets services->is_listening, or logs why not.
enum gw_status gw_front_listen(struct gw_front *front) GW_MUST_USE;
// Sets services->is_draining. on_left comes from the loop, once all connections are closed.
void gw_front_leave(struct gw_front *front, void (*on_left)(struct gw_front *front));
// Skips what is left of the waiting.
void gw_front_cut(struct gw_front *front);
// Before it was begun to be left, or after on_left.
void gw_front_close(struct gw_front *front);
