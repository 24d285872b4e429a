// SPDX-License-Identifier: MIT
#include "gateway/upstream/call.h"

#include <stdio.h>
#include <string.h>

#include "gateway/net/transport.h"
#include "gateway/upstream/conn.h"

#define CHUNK_FRAME_BYTES_MAX 24 // size, and two line ends
#define EARLY_BYTES_MAX (GW_CONN_WRITE_HIGH_WATER_BYTES + 2 * GW_CONN_READ_BYTES)

void gw_upstream_call_init(struct gw_upstream_call *call, struct gw_upstream *upstream,
                           const struct gw_upstream_call_events *events,
                           const struct gw_upstream_request *request) {
    *call = (struct gw_upstream_call){.events = events,
                                      .upstream = upstream,
                                      .request = *request,
                                      .is_body_ended = request->body == GW_UPSTREAM_NO_BODY,
                                      .reason = ""};
    gw_buf_init(&call->early, EARLY_BYTES_MAX);
}

enum gw_status gw_upstream_call_send_head(struct gw_upstream_call *call, struct gw_str authority) {
    gw_assert(call->conn != NULL);
    struct gw_buf *output = gw_upstream_conn_begin(call->conn, call->request.is_head,
                                                   call->request.body != GW_UPSTREAM_NO_BODY);
    const struct gw_str pieces[] = {
        call->request.line, GW_STR("Host: "),     authority,
        GW_STR("\r\n"),     call->request.fields, gw_buf_bytes(&call->early)};
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        enum gw_status status = gw_buf_append_str(output, pieces[i]);
        if (status != GW_OK)
            return status;
    }
    gw_buf_deinit(&call->early);
    gw_transport_hold(&call->conn->transport, 0);
    if (call->is_body_ended)
        gw_upstream_conn_end_request(call->conn);
    gw_upstream_conn_flush(call->conn);
    return GW_OK;
}

static bool is_connected(const struct gw_upstream_call *call) {
    return call->conn != NULL && call->conn->state == GW_UPSTREAM_CONN_BUSY;
}

bool gw_upstream_call_is_writable(const struct gw_upstream_call *call) {
    return is_connected(call) &&
           gw_upstream_conn_unsent_bytes(call->conn) <= GW_CONN_WRITE_HIGH_WATER_BYTES;
}

// The buffer for body bytes; NULL: they are dropped.
static struct gw_buf *body_output(struct gw_upstream_call *call) {
    gw_assert(call->request.body != GW_UPSTREAM_NO_BODY || call->is_body_ended);
    if (call->is_body_ended || call->conn == NULL || call->conn->state == GW_UPSTREAM_CONN_CLOSING)
        return NULL;
    return is_connected(call) ? gw_upstream_conn_output(call->conn) : &call->early;
}

// RFC 9112 section 7.1.
static enum gw_status append_chunk(struct gw_buf *output, struct gw_str bytes) {
    char *at;
    enum gw_status status = gw_buf_reserve(output, bytes.length + CHUNK_FRAME_BYTES_MAX, &at);
    if (status != GW_OK)
        return status;
    size_t length = (size_t)snprintf(at, CHUNK_FRAME_BYTES_MAX, "%zx\r\n", bytes.length);
    memcpy(at + length, bytes.at, bytes.length);
    length += bytes.length;
    memcpy(at + length, "\r\n", 2);
    gw_buf_commit(output, length + 2);
    return GW_OK;
}

enum gw_status gw_upstream_call_send_body(struct gw_upstream_call *call, struct gw_str bytes) {
    struct gw_buf *output = body_output(call);
    if (output == NULL || bytes.length == 0)
        return GW_OK;
    enum gw_status status = call->request.body == GW_UPSTREAM_BODY_CHUNKED
                                ? append_chunk(output, bytes)
                                : gw_buf_append_str(output, bytes);
    if (status == GW_OK && is_connected(call))
        gw_upstream_conn_flush(call->conn);
    else
        gw_transport_hold(&call->conn->transport, call->early.capacity);
    return status;
}

enum gw_status gw_upstream_call_end_body(struct gw_upstream_call *call) {
    struct gw_buf *output = body_output(call);
    if (output == NULL)
        return GW_OK;
    enum gw_status status = GW_OK;
    if (call->request.body == GW_UPSTREAM_BODY_CHUNKED)
        status = gw_buf_append_str(output, GW_STR("0\r\n\r\n"));
    if (status != GW_OK)
        return status;
    call->is_body_ended = true;
    if (is_connected(call)) {
        gw_upstream_conn_end_request(call->conn);
        gw_upstream_conn_flush(call->conn);
    }
    return GW_OK;
}

void gw_upstream_call_pause(struct gw_upstream_call *call) {
    if (is_connected(call))
        gw_upstream_conn_set_paused(call->conn, true);
}

void gw_upstream_call_resume(struct gw_upstream_call *call) {
    if (is_connected(call))
        gw_upstream_conn_set_paused(call->conn, false);
}

bool gw_upstream_call_is_over(const struct gw_upstream_call *call) {
    return call->conn == NULL;
}

const char *gw_upstream_call_reason(const struct gw_upstream_call *call) {
    return call->reason;
}
