// SPDX-License-Identifier: MIT
#pragma once
// The step between TCP and TLS of a connection that goes through an HTTP proxy: a request for a
// tunnel (CONNECT) goes out as soon as TCP is connected, and TLS begins when the proxy has agreed.
// Whoever connects writes the request, and bounds the time: the step has no clock of its own.
//
//   TCP connected --> tunnel_begin --> tunnel_receive: WANT_INPUT ... OK --> TLS handshake
//
// Nothing may follow the head that opens the tunnel: a TLS server does not speak first. For
// transport*.c alone; gateway/net/transport.h is the interface.

#include "gateway/net/transport_state.h"
#include "gateway/net/tunnel_answer.h"

struct gw_transport_tunnel {
    struct gw_tunnel_answer answer;
    const char *problem; // why there is no tunnel, if it ends now; static
    size_t length;
    char request[]; // may hold a password
};

// `request` is copied. NULL: out of memory.
struct gw_transport_tunnel *gw_transport_tunnel_create(struct gw_str request) GW_MUST_USE;
// Wipes it. NULL is harmless.
void gw_transport_tunnel_destroy(struct gw_transport_tunnel *tunnel);
// TCP is connected: the request is on the wire, for the next gw_transport_pump. GW_NO_MEMORY.
enum gw_status gw_transport_tunnel_begin(struct gw_transport *transport) GW_MUST_USE;
// GW_OK: the tunnel is open, transport->tunnel NULL. GW_WANT_INPUT. GW_UNAVAILABLE: there is none.
enum gw_status gw_transport_tunnel_receive(struct gw_transport *transport,
                                           struct gw_str bytes) GW_MUST_USE;
