// SPDX-License-Identifier: MIT
// The pool, and what becomes of a call when its connection fails: another address, the one retry, or the end.
#include "gateway/upstream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "gateway/services.h"
#include "gateway/upstream_addresses.h"
#include "gateway/upstream_conn.h"

#define CHUNK_FRAME_BYTES_MAX 24 // size, and two line ends
#define EARLY_BYTES_MAX (GW_CONN_WRITE_HIGH_WATER_BYTES + 2 * GW_CONN_READ_BYTES)

struct gw_upstream {
    const struct gw_services *services;
    struct gw_upstream_addresses addresses;
    struct gw_upstream_url url;
    struct gw_upstream_conn_lists conns;
    bool is_closing;
    bool are_addresses_closed;
    void (*on_closed)(struct gw_upstream *upstream);
    char url_text[];
};

static const struct gw_upstream_conn_events conn_events;

// ---- a connection for a call --------------------------------------------------------------------------------------

static enum gw_status fail_to_open(struct gw_upstream_call *call, enum gw_status status,
                                   const char *reason) {
    call->reason = reason;
    return status;
}

static enum gw_status create_connection(struct gw_upstream *upstream, struct gw_upstream_call *call,
                                        struct gw_upstream_conn **conn) {
    enum gw_status status =
        gw_upstream_conn_create(upstream, upstream->services, &upstream->conns, &conn_events, conn);
    if (status != GW_OK)
        return fail_to_open(call, status, "out of memory");
    gw_upstream_conn_attach(*conn, call);
    return GW_OK;
}

static enum gw_status connect_to(struct gw_upstream_conn *conn, int address) {
    struct gw_upstream *upstream = conn->upstream;
    conn->call->addresses_tried |= UINT32_C(1) << address;
    upstream->services->metrics->upstream_connects_total++;
    const struct sockaddr_storage *socket = &upstream->addresses.list[address].socket;
    return gw_upstream_conn_connect(conn, address, (const struct sockaddr *)socket);
}

// Gives the call a fresh connection: to an address that it did not try yet, or one that waits for the first lookup.
static enum gw_status open_connection(struct gw_upstream *upstream, struct gw_upstream_call *call) {
    struct gw_upstream_addresses *addresses = &upstream->addresses;
    struct gw_upstream_conn *conn;
    if (upstream->is_closing)
        return fail_to_open(call, GW_UNAVAILABLE, "the gateway is stopping");
    if (addresses->count == 0) {
        if (!gw_upstream_addresses_refresh(addresses))
            return fail_to_open(call, GW_UNAVAILABLE, "its name does not resolve");
        return create_connection(upstream, call, &conn);
    }
    for (;;) {
        int address = gw_upstream_addresses_pick(addresses, call->addresses_tried);
        if (address < 0)
            return fail_to_open(call, GW_UNAVAILABLE, "could not connect");
        enum gw_status status = create_connection(upstream, call, &conn);
        if (status != GW_OK || connect_to(conn, address) == GW_OK)
            return status;
        gw_upstream_conn_detach(conn);
        gw_upstream_conn_close(conn);
        gw_upstream_addresses_report_failure(addresses, address);
    }
}

static enum gw_status take_idle_connection(struct gw_upstream *upstream,
                                           struct gw_upstream_call *call) {
    struct gw_list *idle = &upstream->conns.of[GW_UPSTREAM_CONN_IDLE];
    struct gw_upstream_conn *conn = gw_container_of(idle->next, struct gw_upstream_conn, link);
    gw_upstream_conn_attach(conn, call);
    enum gw_status status = gw_upstream_conn_send_request(conn);
    if (status == GW_OK)
        return GW_OK;
    gw_upstream_conn_detach(conn);
    gw_upstream_conn_close(conn);
    return fail_to_open(call, status, "out of memory");
}

// ---- how a call ends ----------------------------------------------------------------------------------------------

// Last act of every path that comes here: on_error may free the call or start another.
static void fail_call(struct gw_upstream_call *call, enum gw_status status, const char *reason) {
    gw_buf_deinit(&call->early);
    call->reason = reason;
    call->upstream->services->metrics->upstream_failures_total++;
    call->events->on_error(call, status);
}

static void on_failed(struct gw_upstream_conn *conn, enum gw_status status, const char *reason) {
    struct gw_upstream_call *call = gw_upstream_conn_detach(conn);
    gw_upstream_conn_close(conn);
    fail_call(call, status, reason);
}

static void on_unreachable(struct gw_upstream_conn *conn, enum gw_status status,
                           const char *reason) {
    struct gw_upstream *upstream = conn->upstream;
    gw_upstream_addresses_report_failure(&upstream->addresses, conn->address);
    struct gw_upstream_call *call = gw_upstream_conn_detach(conn);
    gw_upstream_conn_close(conn);
    if (open_connection(upstream, call) != GW_OK)
        fail_call(call, status, reason);
}

static bool may_retry(const struct gw_upstream_conn *conn, const struct gw_upstream_call *call) {
    return conn->was_used && !conn->has_answered && !call->was_retried &&
           call->request.is_idempotent && call->request.body == GW_UPSTREAM_NO_BODY;
}

static void on_lost(struct gw_upstream_conn *conn) {
    struct gw_upstream_call *call = gw_upstream_conn_detach(conn);
    bool is_retried = may_retry(conn, call);
    gw_upstream_conn_close(conn);
    if (!is_retried) {
        fail_call(call, GW_CLOSED,
                  conn->has_answered ? "the connection closed within the response"
                                     : "the connection closed before a response");
        return;
    }
    call->was_retried = true;
    enum gw_status status = open_connection(conn->upstream, call);
    if (status != GW_OK)
        fail_call(call, status, call->reason);
}

static void on_complete(struct gw_upstream_conn *conn, bool is_clean) {
    struct gw_upstream_call *call = gw_upstream_conn_detach(conn);
    if (is_clean && call->is_body_ended && gw_upstream_conn_may_rest(conn))
        gw_upstream_conn_rest(conn);
    else
        gw_upstream_conn_close(conn);
    call->events->on_end(call);
}

static void end_close(struct gw_upstream *upstream);

static void on_conn_closed(struct gw_upstream_conn *conn) {
    struct gw_upstream_call *call = gw_upstream_conn_detach(conn);
    if (call != NULL) // the upstream was closed under it
        fail_call(call, GW_CLOSED, "the gateway is stopping");
    end_close(conn->upstream);
}

static const struct gw_upstream_conn_events conn_events = {
    .on_unreachable = on_unreachable,
    .on_lost = on_lost,
    .on_failed = on_failed,
    .on_complete = on_complete,
    .on_closed = on_conn_closed,
};

static void on_resolved(struct gw_upstream_addresses *addresses) {
    struct gw_upstream *upstream = gw_container_of(addresses, struct gw_upstream, addresses);
    struct gw_list waiting;
    gw_list_init(&waiting);
    gw_list_append_all(&waiting, &upstream->conns.of[GW_UPSTREAM_CONN_RESOLVING]);
    while (!gw_list_is_empty(&waiting)) {
        struct gw_upstream_conn *conn =
            gw_container_of(waiting.previous, struct gw_upstream_conn, link);
        gw_assert(conn->call != NULL);
        int address = gw_upstream_addresses_pick(addresses, conn->call->addresses_tried);
        if (address < 0)
            on_failed(conn, GW_UNAVAILABLE, "its name does not resolve");
        else if (connect_to(conn, address) != GW_OK)
            on_unreachable(conn, GW_UNAVAILABLE, "could not connect");
    }
}

// ---- calls --------------------------------------------------------------------------------------------------------

enum gw_status gw_upstream_call_start(struct gw_upstream *upstream, struct gw_upstream_call *call,
                                      const struct gw_upstream_call_events *events,
                                      const struct gw_upstream_request *request) {
    *call = (struct gw_upstream_call){.events = events,
                                      .upstream = upstream,
                                      .request = *request,
                                      .is_body_ended = request->body == GW_UPSTREAM_NO_BODY,
                                      .reason = ""};
    gw_buf_init(&call->early, EARLY_BYTES_MAX);
    upstream->services->metrics->upstream_requests_total++;
    bool is_any_idle = !gw_list_is_empty(&upstream->conns.of[GW_UPSTREAM_CONN_IDLE]);
    enum gw_status status =
        is_any_idle ? take_idle_connection(upstream, call) : open_connection(upstream, call);
    if (status != GW_OK)
        upstream->services->metrics->upstream_failures_total++;
    return status;
}

static bool is_connected(const struct gw_upstream_call *call) {
    return call->conn != NULL && call->conn->state == GW_UPSTREAM_CONN_BUSY;
}

bool gw_upstream_call_is_writable(const struct gw_upstream_call *call) {
    return is_connected(call) &&
           gw_transport_pending_bytes(&call->conn->transport) <= GW_CONN_WRITE_HIGH_WATER_BYTES;
}

// Where body bytes go now; NULL when nobody wants them any more.
static struct gw_buf *body_output(struct gw_upstream_call *call) {
    if (call->is_body_ended || call->conn == NULL || call->conn->state == GW_UPSTREAM_CONN_CLOSING)
        return NULL;
    return is_connected(call) ? gw_transport_output(&call->conn->transport) : &call->early;
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
    if (is_connected(call))
        gw_upstream_conn_flush(call->conn);
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

void gw_upstream_call_abort(struct gw_upstream_call *call) {
    if (call->conn == NULL)
        return;
    struct gw_upstream_conn *conn = call->conn;
    gw_upstream_conn_detach(conn);
    gw_upstream_conn_close(conn);
    gw_buf_deinit(&call->early);
}

bool gw_upstream_call_is_over(const struct gw_upstream_call *call) {
    return call->conn == NULL;
}

const char *gw_upstream_call_reason(const struct gw_upstream_call *call) {
    return call->reason;
}

// ---- the upstream -------------------------------------------------------------------------------------------------

enum gw_status gw_upstream_create(const struct gw_services *services, struct gw_str url,
                                  struct gw_upstream **upstream, const char **problem) {
    struct gw_upstream *created = calloc(1, sizeof(*created) + url.length + 1);
    if (created == NULL) {
        *problem = "out of memory";
        return GW_NO_MEMORY;
    }
    memcpy(created->url_text, url.at, url.length);
    enum gw_status status =
        gw_upstream_url_parse(gw_str(created->url_text, url.length), &created->url, problem);
    if (status != GW_OK) {
        free(created);
        return status;
    }
    created->services = services;
    gw_upstream_conn_lists_init(&created->conns);
    gw_upstream_addresses_open(&created->addresses, services->loop, &created->url, on_resolved);
    *upstream = created;
    return GW_OK;
}

struct gw_str gw_upstream_authority(const struct gw_upstream *upstream) {
    return upstream->url.authority;
}

void gw_upstream_stats(const struct gw_upstream *upstream, struct gw_upstream_stats *stats) {
    const int *counts = upstream->conns.counts;
    *stats = (struct gw_upstream_stats){.connections_opening = counts[GW_UPSTREAM_CONN_RESOLVING] +
                                                               counts[GW_UPSTREAM_CONN_CONNECTING],
                                        .connections_busy = counts[GW_UPSTREAM_CONN_BUSY],
                                        .connections_idle = counts[GW_UPSTREAM_CONN_IDLE]};
}

static void end_close(struct gw_upstream *upstream) {
    if (!upstream->is_closing || !upstream->are_addresses_closed ||
        upstream->conns.counts[GW_UPSTREAM_CONN_CLOSING] > 0)
        return;
    if (upstream->on_closed != NULL)
        upstream->on_closed(upstream);
    free(upstream);
}

static void on_addresses_closed(struct gw_upstream_addresses *addresses) {
    struct gw_upstream *upstream = gw_container_of(addresses, struct gw_upstream, addresses);
    upstream->are_addresses_closed = true;
    end_close(upstream);
}

void gw_upstream_close(struct gw_upstream *upstream,
                       void (*on_closed)(struct gw_upstream *upstream)) {
    upstream->is_closing = true;
    upstream->on_closed = on_closed;
    for (int state = 0; state < GW_UPSTREAM_CONN_CLOSING; state++) {
        struct gw_list *list = &upstream->conns.of[state];
        while (!gw_list_is_empty(list))
            gw_upstream_conn_close(gw_container_of(list->next, struct gw_upstream_conn, link));
    }
    gw_upstream_addresses_close(&upstream->addresses, on_addresses_closed);
}
