// SPDX-License-Identifier: MIT
#include "gateway/net/transport_tunnel.h"

#include <stdlib.h>
#include <string.h>

struct gw_transport_tunnel *gw_transport_tunnel_create(struct gw_str request) {
    struct gw_transport_tunnel *tunnel = malloc(sizeof(*tunnel) + request.length);
    if (tunnel == NULL)
        return NULL;
    gw_tunnel_answer_init(&tunnel->answer);
    tunnel->problem = "the proxy closed the connection";
    tunnel->length = request.length;
    memcpy(tunnel->request, request.at, request.length);
    return tunnel;
}

void gw_transport_tunnel_destroy(struct gw_transport_tunnel *tunnel) {
    if (tunnel != NULL)
        gw_bytes_wipe(tunnel->request, tunnel->length);
    free(tunnel);
}

enum gw_status gw_transport_tunnel_begin(struct gw_transport *transport) {
    struct gw_transport_tunnel *tunnel = transport->tunnel;
    gw_blocks_lend(&transport->shared->blocks, &transport->wire);
    return gw_buf_append(&transport->wire, tunnel->request, tunnel->length);
}

static enum gw_status refuse(struct gw_transport_tunnel *tunnel, const char *problem) {
    tunnel->problem = problem;
    return GW_UNAVAILABLE;
}

enum gw_status gw_transport_tunnel_receive(struct gw_transport *transport, struct gw_str bytes) {
    struct gw_transport_tunnel *tunnel = transport->tunnel;
    size_t consumed = 0;
    enum gw_status status = gw_tunnel_answer_feed(&tunnel->answer, bytes, &consumed);
    if (status == GW_WANT_INPUT)
        return status;
    if (status == GW_TOO_BIG)
        return refuse(tunnel, "the head of the proxy's answer is longer than 8 KiB");
    if (status != GW_OK)
        return refuse(tunnel, "the proxy answered with something that is no HTTP/1");
    const char *refusal = gw_tunnel_refusal(tunnel->answer.status);
    if (refusal != NULL)
        return refuse(tunnel, refusal);
    if (consumed < bytes.length)
        return refuse(tunnel, "the proxy sent more than the answer that opens the tunnel");
    gw_transport_tunnel_destroy(tunnel);
    transport->tunnel = NULL;
    return GW_OK;
}
