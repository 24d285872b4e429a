// SPDX-License-Identifier: MIT
// What becomes of a call when its connection fails: another address, the one retry, or the end. And
// the life of the upstream.
#include "gateway/upstream/pool.h"

#include <stdlib.h>

#include "gateway/exchange/services.h"
#include "gateway/upstream/connect.h"

// ---- how a call ends ----

static void end_call(struct gw_upstream_call *call) {
    gw_deadline_clear(&call->connect_deadline);
    gw_buf_deinit(&call->early);
}

// The last act of each path: on_error may free the call or start another.
static void fail_call(struct gw_upstream_call *call, enum gw_status status, const char *reason) {
    end_call(call);
    call->reason = reason;
    call->upstream->services->metrics->upstream_failures_total++;
    call->events->on_error(call, status);
}

static void on_failed(struct gw_upstream_conn *conn, enum gw_status status, const char *reason) {
    struct gw_upstream_call *call = gw_upstream_detach(conn);
    if (status == GW_TIMED_OUT && conn->is_request_whole && !conn->has_answered)
        gw_upstream_report_failure(conn->upstream, gw_upstream_peer_of(conn), reason);
    gw_upstream_close_connection(conn);
    fail_call(call, status, reason);
}

static void report_writable(struct gw_upstream_call *call) {
    if (!call->is_body_ended && gw_upstream_call_is_writable(call))
        call->events->on_writable(call);
}

static void on_unreachable(struct gw_upstream_conn *conn, enum gw_status status,
                           const char *reason) {
    struct gw_upstream *upstream = conn->upstream;
    struct gw_upstream_peer *peer = gw_upstream_peer_of(conn);
    struct gw_upstream_call *call = gw_upstream_detach(conn);
    // A refused TLS session is no fault of the address.
    if (gw_transport_drop_offered_session(&conn->transport) && status == GW_UNAVAILABLE)
        gw_upstream_balancer_allow_again(&upstream->balancer, peer, &call->tries,
                                         gw_upstream_now_ms(upstream));
    else
        gw_upstream_report_failure(upstream, peer, reason);
    gw_upstream_conn_close(conn);
    if (gw_upstream_find_connection(upstream, call, true) == GW_OK)
        report_writable(call); // a pooled connection may be there at once
    else
        fail_call(call, status, reason);
}

// An attempt or a lookup is under way.
static void on_connect_deadline(struct gw_deadline *deadline) {
    struct gw_upstream_call *call =
        gw_container_of(deadline, struct gw_upstream_call, connect_deadline);
    struct gw_upstream_conn *conn = call->conn;
    gw_assert(conn->state != GW_UPSTREAM_CONN_BUSY);
    (void)gw_upstream_detach(conn);
    gw_upstream_close_connection(conn);
    fail_call(call, GW_TIMED_OUT, "could not connect in time");
}

// It may be sent twice (RFC 9110 section 9.2.2).
static bool may_repeat(const struct gw_upstream_call *call) {
    return !call->was_retried && call->request.is_idempotent &&
           call->request.body == GW_UPSTREAM_NO_BODY;
}

// The connection may have been closed while it was parked, before it got this request.
static bool may_retry(const struct gw_upstream_conn *conn) {
    return conn->was_used && may_repeat(conn->call);
}

static void retry(struct gw_upstream_conn *conn) {
    struct gw_upstream *upstream = conn->upstream;
    struct gw_upstream_call *call = gw_upstream_detach(conn);
    gw_upstream_close_connection(conn);
    gw_assert(!call->was_retried);
    call->was_retried = true;
    enum gw_status status = gw_upstream_find_another_connection(upstream, call);
    if (status != GW_OK)
        fail_call(call, status, call->reason);
}

static void lose_call(struct gw_upstream_conn *conn, enum gw_status status, const char *reason) {
    struct gw_upstream_call *call = gw_upstream_detach(conn);
    gw_upstream_close_connection(conn);
    fail_call(call, status, reason);
}

// What rests at the address would cost the next requests as much.
static void on_vanished(struct gw_upstream_conn *conn) {
    static const char reason[] = "its host answers no more";
    struct gw_upstream_peer *peer = gw_upstream_peer_of(conn);
    gw_upstream_report_failure(conn->upstream, peer, reason);
    gw_upstream_close_connections(&peer->conns.of[GW_UPSTREAM_CONN_IDLE]);
    if (!conn->has_answered && may_repeat(conn->call))
        retry(conn);
    else
        lose_call(conn, GW_TIMED_OUT, reason);
}

static void on_lost(struct gw_upstream_conn *conn, enum gw_status status) {
    const char *reason = conn->has_answered ? "the connection closed within the response"
                                            : "the connection closed before a response";
    if (status == GW_TIMED_OUT) {
        on_vanished(conn);
        return;
    }
    if (!conn->has_answered && may_retry(conn)) {
        retry(conn);
        return;
    }
    if (!conn->was_used && !conn->has_answered)
        gw_upstream_report_failure(conn->upstream, gw_upstream_peer_of(conn), reason);
    lose_call(conn, GW_CLOSED, reason);
}

static void on_complete(struct gw_upstream_conn *conn, bool is_clean) {
    struct gw_upstream_call *call = gw_upstream_detach(conn);
    if (is_clean && conn->is_request_whole && gw_upstream_peer_of(conn)->is_listed &&
        gw_upstream_conn_may_park(conn))
        gw_upstream_conn_park(conn);
    else
        gw_upstream_conn_close(conn);
    call->events->on_end(call);
}

// ---- passed on to the call ----

static void on_open(struct gw_upstream_conn *conn) {
    if (gw_upstream_send_head(conn) == GW_OK)
        report_writable(conn->call);
    else
        on_failed(conn, GW_NO_MEMORY, "out of memory");
}

static void on_interim(struct gw_upstream_conn *conn, const struct gw_http_head *head) {
    const struct gw_upstream_call_events *events = conn->call->events;
    if (events->on_interim != NULL)
        events->on_interim(conn->call, head);
}

static void on_head(struct gw_upstream_conn *conn, const struct gw_http_head *head) {
    gw_upstream_balancer_report_answer(&conn->upstream->balancer, gw_upstream_peer_of(conn));
    // The registry gave up waiting for a request before it saw this one.
    if (head->status == 408 && !head->keep_alive && may_retry(conn)) {
        retry(conn);
        return;
    }
    conn->call->events->on_head(conn->call, head);
}

static void on_body(struct gw_upstream_conn *conn, struct gw_str bytes) {
    conn->call->events->on_body(conn->call, bytes);
}

static void on_drain(struct gw_upstream_conn *conn) {
    report_writable(conn->call);
}

static void end_close(struct gw_upstream *upstream);

static void on_conn_closed(struct gw_upstream_conn *conn) {
    struct gw_upstream_call *call = gw_upstream_detach(conn);
    if (call != NULL) // the upstream was closed under it
        fail_call(call, GW_CLOSED, "the gateway is stopping");
    end_close(conn->upstream);
}

static const struct gw_upstream_conn_events conn_events = {
    .on_open = on_open,
    .on_interim = on_interim,
    .on_head = on_head,
    .on_body = on_body,
    .on_drain = on_drain,
    .on_unreachable = on_unreachable,
    .on_lost = on_lost,
    .on_failed = on_failed,
    .on_complete = on_complete,
    .on_closed = on_conn_closed,
};

// ---- addresses ----

static void leave_waiting(struct gw_upstream_conn *conn) {
    enum gw_status status = gw_upstream_leave_waiting(conn);
    if (status == GW_UNAVAILABLE)
        on_unreachable(conn, status, gw_upstream_connect_problem(status));
    else if (status != GW_OK)
        on_failed(conn, status, gw_upstream_connect_problem(status));
}

static void update_balancer(struct gw_upstream *upstream, const struct gw_upstream_origin *origin) {
    struct gw_upstream_balancer *balancer = &upstream->balancer;
    gw_upstream_balancer_update(balancer, (int)(origin - upstream->origins.list), origin->name.list,
                                origin->name.count);
    for (int i = 0; i < balancer->count; i++) {
        if (!balancer->list[i].is_listed)
            gw_upstream_close_connections(&balancer->list[i].conns.of[GW_UPSTREAM_CONN_IDLE]);
    }
}

static void on_resolved(struct gw_upstream_origins *origins, struct gw_upstream_origin *origin) {
    struct gw_upstream *upstream = gw_container_of(origins, struct gw_upstream, origins);
    struct gw_list waiting;
    update_balancer(upstream, origin);
    if (upstream->balancer.count == 0 && gw_upstream_origins_are_looking_up(origins))
        return;
    gw_list_init(&waiting);
    gw_list_append_all(&waiting, &upstream->waiting.of[GW_UPSTREAM_CONN_RESOLVING]);
    while (!gw_list_is_empty(&waiting)) {
        struct gw_upstream_conn *conn =
            gw_container_of(waiting.previous, struct gw_upstream_conn, link);
        gw_assert(conn->call != NULL && conn->state == GW_UPSTREAM_CONN_RESOLVING);
        if (upstream->balancer.count == 0)
            on_failed(conn, GW_UNAVAILABLE, "its name does not resolve");
        else
            leave_waiting(conn);
    }
}

// ---- calls ----

enum gw_status gw_upstream_call_start(struct gw_upstream *upstream, struct gw_upstream_call *call,
                                      const struct gw_upstream_call_events *events,
                                      const struct gw_upstream_request *request) {
    gw_upstream_call_init(call, upstream, events, request);
    gw_deadline_init(&call->connect_deadline, on_connect_deadline);
    upstream->services->metrics->upstream_requests_total++;
    enum gw_status status = gw_upstream_find_connection(upstream, call, true);
    if (status == GW_OK)
        return GW_OK;
    upstream->services->metrics->upstream_failures_total++;
    end_call(call);
    return status;
}

void gw_upstream_call_abort(struct gw_upstream_call *call) {
    if (call->conn == NULL)
        return;
    struct gw_upstream_conn *conn = call->conn;
    (void)gw_upstream_detach(conn);
    gw_upstream_close_connection(conn);
    end_call(call);
}

// ---- the upstream ----

enum gw_status gw_upstream_create(const struct gw_services *services,
                                  const struct gw_upstream_options *options,
                                  struct gw_upstream **upstream,
                                  struct gw_upstream_problem *problem) {
    struct gw_upstream *created = calloc(1, sizeof(*created));
    if (created == NULL) {
        *problem =
            (struct gw_upstream_problem){.text = "out of memory", .culprit = GW_STR_INIT("")};
        return GW_NO_MEMORY;
    }
    enum gw_status status = gw_upstream_origins_read(&created->origins, options, problem);
    if (status != GW_OK) {
        free(created);
        return status;
    }
    created->services = services;
    created->conn_events = &conn_events;
    gw_upstream_conn_lists_init(&created->waiting);
    gw_upstream_balancer_init(&created->balancer, services->metrics);
    gw_upstream_origins_open(&created->origins, services->loop, on_resolved);
    *upstream = created;
    return GW_OK;
}

void gw_upstream_stats(const struct gw_upstream *upstream, struct gw_upstream_stats *stats) {
    *stats = (struct gw_upstream_stats){.connections_opening =
                                            upstream->waiting.counts[GW_UPSTREAM_CONN_RESOLVING]};
    for (int i = 0; i < upstream->balancer.count; i++) {
        const int *counts = upstream->balancer.list[i].conns.counts;
        stats->connections_opening += counts[GW_UPSTREAM_CONN_CONNECTING];
        stats->connections_busy += counts[GW_UPSTREAM_CONN_BUSY];
        stats->connections_idle += counts[GW_UPSTREAM_CONN_IDLE];
    }
}

static bool has_connections(const struct gw_upstream *upstream) {
    bool has = gw_upstream_conn_lists_count(&upstream->waiting) > 0;
    for (int i = 0; i < upstream->balancer.count; i++)
        has = has || gw_upstream_conn_lists_count(&upstream->balancer.list[i].conns) > 0;
    return has;
}

static void end_close(struct gw_upstream *upstream) {
    if (!upstream->is_closing || !gw_upstream_origins_are_closed(&upstream->origins) ||
        has_connections(upstream))
        return;
    if (upstream->on_closed != NULL)
        upstream->on_closed(upstream);
    gw_upstream_balancer_deinit(&upstream->balancer);
    gw_upstream_origins_deinit(&upstream->origins);
    free(upstream);
}

static void on_origins_closed(struct gw_upstream_origins *origins) {
    end_close(gw_container_of(origins, struct gw_upstream, origins));
}

void gw_upstream_close(struct gw_upstream *upstream,
                       void (*on_closed)(struct gw_upstream *upstream)) {
    gw_assert(!upstream->is_closing);
    upstream->is_closing = true;
    upstream->on_closed = on_closed;
    for (int state = 0; state < GW_UPSTREAM_CONN_CLOSING; state++) {
        gw_upstream_close_connections(&upstream->waiting.of[state]);
        for (int i = 0; i < upstream->balancer.count; i++)
            gw_upstream_close_connections(&upstream->balancer.list[i].conns.of[state]);
    }
    gw_upstream_origins_close(&upstream->origins, on_origins_closed);
}
