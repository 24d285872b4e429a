// SPDX-License-Identifier: MIT
#include "gateway/net/transport_log.h"

#include "base/ip.h"
#include "base/log.h"

// True: now is the time for a line.
static bool may_log(struct gw_transport_shared *shared, uint64_t now_ms) {
    if (now_ms < shared->log_next_ms) {
        shared->log_left_out++;
        return false;
    }
    shared->log_next_ms = now_ms + GW_TRANSPORT_LOG_MS;
    return true;
}

static const char *address_of(const struct gw_transport *transport, char *text) {
    struct sockaddr_storage address = {0};
    int length = sizeof(address);
    struct gw_ip ip;
    if (uv_tcp_getpeername(&transport->tcp, (struct sockaddr *)&address, &length) != 0 ||
        gw_ip_from_sockaddr((const struct sockaddr *)&address, &ip) != GW_OK)
        return "-";
    (void)gw_ip_format(&ip, text);
    return text;
}

void gw_transport_log_failure(struct gw_transport *transport, const char *side, const char *address,
                              const char *otherwise) {
    char text[GW_IP_TEXT_BYTES_MAX];
    if (transport->tls == NULL || !transport->is_connected || transport->tunnel != NULL ||
        !may_log(transport->shared, uv_now(transport->tcp.loop)))
        return;
    struct tls_problem problem = tls_session_problem(transport->tls);
    gw_log(GW_LOG_INFO, "tls", "%s with=%s address=%s reason=\"%s\" alert=%s left_out=%llu",
           transport->is_open ? "connection broke" : "handshake failed", side,
           address != NULL ? address : address_of(transport, text),
           problem.reason != NULL ? problem.reason : otherwise,
           problem.alert != NULL ? problem.alert : "-",
           (unsigned long long)transport->shared->log_left_out);
    transport->shared->log_left_out = 0;
}
