// SPDX-License-Identifier: MIT
#include "gateway/client/peer.h"

#include "gateway/client/forwarded.h"
#include "gateway/settings/metrics.h"

void gw_peer_init(struct gw_peer *peer, struct gw_exchange *exchange, bool is_tls,
                  bool needs_header) {
    *peer = (struct gw_peer){.exchange = exchange, .is_tls = is_tls, .needs_header = needs_header};
    exchange->is_tls = is_tls;
    if (is_tls)
        peer->began_ns = uv_hrtime();
}

static void note_address(struct gw_peer *peer, const struct gw_ip *ip) {
    struct gw_exchange *exchange = peer->exchange;
    peer->ip = *ip;
    peer->is_trusted = gw_trusted_proxies_contain(&exchange->services->config->trusted_proxies, ip);
    struct gw_str address = gw_str(peer->address, gw_ip_format(ip, peer->address));
    exchange->client = gw_client_at(ip);
    exchange->proxy_address = peer->is_trusted ? address : GW_STR("");
}

enum gw_status gw_peer_find(struct gw_peer *peer, const struct gw_transport *transport) {
    struct sockaddr_storage address;
    struct gw_ip ip;
    enum gw_status status = gw_transport_peer_address(transport, &address);
    if (status == GW_OK)
        status = gw_ip_from_sockaddr((const struct sockaddr *)&address, &ip);
    if (status != GW_OK)
        return status;
    note_address(peer, &ip);
    return peer->needs_header && !peer->is_trusted ? GW_DENIED : GW_OK;
}

// Without a source the header speaks of a client that the proxy cannot name, or of the proxy itself
// (LOCAL, a health check for example).
void gw_peer_take_header(struct gw_peer *peer, const struct gw_proxy_header *header) {
    gw_assert(peer->needs_header);
    peer->needs_header = false;
    if (header->has_source)
        note_address(peer, &header->source);
    else if (!header->is_local)
        peer->exchange->client = gw_client_unknown();
    peer->exchange->proxy_address = GW_STR("");
}

void gw_peer_note_open(struct gw_peer *peer, const struct gw_transport *transport) {
    struct gw_metrics *metrics = peer->exchange->services->metrics;
    if (!peer->is_tls) // also one that ends before its header: the end opens it
        return;
    gw_assert(!peer->needs_header);
    gw_histogram_observe(&metrics->tls_handshakes, uv_hrtime() - peer->began_ns);
    peer->exchange->client_subject = tls_session_client_subject(transport->tls);
    peer->exchange->client_names = tls_session_client_names(transport->tls);
    if (tls_session_is_resumed(transport->tls))
        metrics->tls_handshakes_total[GW_TLS_RESUMED]++;
    else
        metrics->tls_handshakes_total[GW_TLS_FULL]++;
}

void gw_peer_note_unopened(const struct gw_peer *peer) {
    struct gw_metrics *metrics = peer->exchange->services->metrics;
    if (peer->needs_header)
        metrics->proxy_headers_missing_total++;
    else if (peer->is_tls)
        metrics->tls_handshakes_total[GW_TLS_FAILED]++;
}

bool gw_peer_claim(struct gw_peer *peer, struct gw_address_counts *addresses) {
    gw_assert(!peer->is_counted);
    if (peer->is_trusted)
        return true;
    peer->is_counted = gw_address_counts_acquire(addresses, gw_ip_client_key(&peer->ip));
    if (!peer->is_counted)
        peer->exchange->services->metrics->connections_refused_address_total++;
    return peer->is_counted;
}

void gw_peer_release(struct gw_peer *peer, struct gw_address_counts *addresses) {
    if (peer->is_counted)
        gw_address_counts_release(addresses, gw_ip_client_key(&peer->ip));
    peer->is_counted = false;
}

// Behind a PROXY header the proxy's connection belongs to one client: there is no proxy address any
// more, and what the requests say does not count.
void gw_peer_name_client(const struct gw_peer *peer, const struct gw_http_head *request) {
    struct gw_exchange *exchange = peer->exchange;
    if (!peer->is_trusted)
        return;
    if (exchange->proxy_address.length == 0) {
        if (request != NULL)
            gw_client_fields_ignore(exchange->services, request, &peer->ip);
    } else {
        exchange->client = request != NULL
                               ? gw_client_fields_read(exchange->services, request, &peer->ip)
                               : gw_client_unknown();
    }
}
