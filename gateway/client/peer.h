// SPDX-License-Identifier: MIT
#pragma once
// The other side of a client connection, as far as the connection itself says: its address, whether
// it is a trusted proxy, its TLS, the subject and the names of its certificate. A PROXY header
// replaces the address for good. What a request of a trusted proxy says of its client is read per
// request (forwarded.h). The results are fields of the exchange: `client`, `proxy_address`,
// `client_subject`, `client_names`.

#include <stdbool.h>

#include "base/ip.h"
#include "base/status.h"
#include "gateway/exchange/exchange.h"
#include "gateway/net/connection_counts.h"
#include "gateway/net/proxy_header.h"
#include "gateway/net/transport.h"

struct gw_peer {
    struct gw_exchange *exchange;
    bool is_tls;
    bool needs_header; // of the PROXY protocol, which has not come yet
    bool is_trusted;
    bool is_counted;   // among the connections of its address
    uint64_t began_ns; // with TLS: of uv_hrtime
    struct gw_ip ip;
    char address[GW_IP_TEXT_BYTES_MAX];
};

// `exchange` is initialised and outlives the peer. `needs_header`: the peer has to be a trusted
// proxy that sends a PROXY header first.
void gw_peer_init(struct gw_peer *peer, struct gw_exchange *exchange, bool is_tls,
                  bool needs_header);
// Reads the address of an accepted connection. GW_DENIED: not a trusted proxy where one is
// needed. Otherwise the peer has gone already.
enum gw_status gw_peer_find(struct gw_peer *peer, const struct gw_transport *transport) GW_MUST_USE;
void gw_peer_take_header(struct gw_peer *peer, const struct gw_proxy_header *header);
// The handshake, if there is one, is done.
void gw_peer_note_open(struct gw_peer *peer, const struct gw_transport *transport);
// The connection ends without a header or a handshake: counts that.
void gw_peer_note_unopened(const struct gw_peer *peer);

// One connection more of its address, once that is known for good; false: it has too many. The
// connections of a trusted proxy are not its own and are not counted.
bool gw_peer_claim(struct gw_peer *peer, struct gw_address_counts *addresses) GW_MUST_USE;
// Harmless when nothing was claimed.
void gw_peer_release(struct gw_peer *peer, struct gw_address_counts *addresses);

// Names the client of the next request. NULL: the head could not be read.
void gw_peer_name_client(const struct gw_peer *peer, const struct gw_http_head *request);
