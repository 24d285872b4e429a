// SPDX-License-Identifier: MIT
#include "gateway/net/transport_state.h"

#include <stdlib.h>

struct gw_transport *gw_transport_of(const void *handle) {
    return ((const uv_handle_t *)handle)->data;
}

uv_stream_t *gw_transport_stream(struct gw_transport *transport) {
    return (uv_stream_t *)&transport->tcp;
}

enum gw_status gw_transport_status_of(int uv_status) {
    switch (uv_status) {
    case UV_ECONNRESET:
    case UV_EPIPE:
    case UV_ENOTCONN:
        return GW_CLOSED;
    case UV_ETIMEDOUT:
    case UV_EHOSTUNREACH:
    case UV_ENETUNREACH:
        return GW_TIMED_OUT;
    case UV_ENOMEM:
        return GW_NO_MEMORY;
    default:
        return GW_SYSTEM;
    }
}

void gw_transport_announce_open(struct gw_transport *transport) {
    if (transport->is_open)
        return;
    transport->is_open = true;
    transport->events->on_open(transport);
}

void gw_transport_report_end(struct gw_transport *transport) {
    if (transport->is_closing || transport->is_end_reported)
        return;
    transport->is_end_reported = true;
    transport->events->on_end(transport);
}

void gw_transport_report_failure(struct gw_transport *transport) {
    gw_assert(transport->failure != GW_OK);
    if (transport->is_closing || transport->is_error_reported)
        return;
    transport->is_error_reported = true;
    transport->events->on_error(transport, transport->failure);
    if (transport->is_end_seen && transport->failure == GW_INVALID)
        gw_transport_report_end(transport); // the owner lingers for it
}

void gw_transport_end_handshake(struct gw_transport *transport) {
    struct gw_transport_handshake *handshake = transport->handshake;
    if (handshake == NULL)
        return;
    transport->handshake = NULL;
    gw_handshake_queue_leave(transport->shared->queue, &handshake->turn);
    gw_buf_deinit(&handshake->bytes);
    free(handshake);
}

void gw_transport_fail(struct gw_transport *transport, enum gw_status status) {
    gw_assert(status != GW_OK);
    gw_transport_end_handshake(transport);
    if (transport->failure == GW_OK)
        transport->failure = status;
    gw_blocks_drop(&transport->shared->blocks, &transport->output);
}

void gw_transport_lose(struct gw_transport *transport, int uv_status) {
    (void)uv_read_stop(gw_transport_stream(transport));
    transport->is_end_seen = true;
    gw_transport_fail(transport, gw_transport_status_of(uv_status));
    gw_blocks_drop(&transport->shared->blocks, &transport->wire);
    if (transport->is_error_reported)
        gw_transport_report_end(transport);
    else
        gw_transport_report_failure(transport);
}
