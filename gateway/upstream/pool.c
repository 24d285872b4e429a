// SPDX-License-Identifier: MIT
// The pool, and what becomes of a call when its connection fails: another address, the one retry,
// or the end.
#include "gateway/upstream/pool.h"

#include <stdlib.h>

#include "gateway/exchange/services.h"
#include "gateway/upstream/balancer.h"
#include "gateway/upstream/conn.h"
#include "gateway/upstream/origins.h"

struct gw_upstream {
    const struct gw_services *services;
    struct gw_upstream_conn_lists waiting; // connections that have no address yet
    struct gw_upstream_balancer balancer;
    struct gw_upstream_origins origins;
    bool is_closing;
    void (*on_closed)(struct gw_upstream *upstream);
};

static const struct gw_upstream_conn_events conn_events;

static struct gw_upstream_peer *peer_of(const struct gw_upstream_conn *conn) {
    gw_assert(conn->lists != &conn->upstream->waiting);
    return gw_container_of(conn->lists, struct gw_upstream_peer, conns);
}

static uint64_t now_ms(const struct gw_upstream *upstream) {
    return uv_now(upstream->services->loop);
}

static struct gw_upstream_origin *origin_of(struct gw_upstream *upstream,
                                            const struct gw_upstream_peer *peer) {
    gw_assert(peer->origin >= 0 && peer->origin < upstream->origins.count);
    return &upstream->origins.list[peer->origin];
}

// ---- a connection for a call ----

static void attach(struct gw_upstream_conn *conn, struct gw_upstream_call *call) {
    gw_assert(conn->call == NULL && call->conn == NULL);
    conn->call = call;
    call->conn = conn;
}

// NULL: the connection had no call.
static struct gw_upstream_call *detach(struct gw_upstream_conn *conn) {
    struct gw_upstream_call *call = conn->call;
    gw_assert(call == NULL || call->conn == conn);
    if (call != NULL)
        call->conn = NULL;
    conn->call = NULL;
    return call;
}

static enum gw_status fail_to_open(struct gw_upstream_call *call, enum gw_status status,
                                   const char *reason) {
    call->reason = reason;
    return status;
}

// Runs from the first attempt on, over all of them.
static void start_connect_clock(struct gw_upstream *upstream, struct gw_upstream_call *call) {
    const struct gw_services *services = upstream->services;
    if (gw_list_is_empty(&call->connect_deadline.link))
        gw_deadline_set(&call->connect_deadline,
                        &services->deadlines[GW_DEADLINE_UPSTREAM_CONNECT_ALL], now_ms(upstream));
}

static enum gw_status create_connection(struct gw_upstream *upstream, struct gw_upstream_call *call,
                                        struct gw_upstream_conn **conn) {
    enum gw_status status = gw_upstream_conn_create(upstream, upstream->services,
                                                    &upstream->waiting, &conn_events, conn);
    if (status != GW_OK)
        return fail_to_open(call, status, "out of memory");
    attach(*conn, call);
    start_connect_clock(upstream, call);
    return GW_OK;
}

static enum gw_status connect_to(struct gw_upstream_conn *conn, struct gw_upstream_peer *peer) {
    struct gw_upstream *upstream = conn->upstream;
    const struct gw_upstream_url *url = &origin_of(upstream, peer)->url;
    const struct tls_server server = {
        .context = upstream->origins.tls, .name = url->host, .kept = &peer->tls_session};
    upstream->services->metrics->upstream_connects_total++;
    return gw_upstream_conn_connect(conn, &peer->conns, (const struct sockaddr *)&peer->address,
                                    url->is_tls ? &server : NULL);
}

// Its call is gone. An ejected address that this attempt was to probe may be probed again.
static void close_connection(struct gw_upstream_conn *conn) {
    gw_assert(conn->call == NULL);
    if (conn->lists != &conn->upstream->waiting)
        gw_upstream_balancer_report_nothing(peer_of(conn), now_ms(conn->upstream));
    gw_upstream_conn_close(conn);
}

// A failed connection may mean that the name has other addresses by now.
static void report_failure(struct gw_upstream *upstream, struct gw_upstream_peer *peer,
                           const char *reason) {
    gw_upstream_balancer_report_failure(&upstream->balancer, peer, now_ms(upstream), reason);
    (void)gw_upstream_addresses_refresh(&origin_of(upstream, peer)->addresses);
}

static bool send_head(struct gw_upstream_conn *conn) {
    gw_deadline_clear(&conn->call->connect_deadline);
    const struct gw_upstream_origin *origin = origin_of(conn->upstream, peer_of(conn));
    return gw_upstream_call_send_head(conn->call, origin->url.authority) == GW_OK;
}

// A parked connection, or NULL. Closes those that the registry is about to close.
static struct gw_upstream_conn *find_idle_connection(const struct gw_upstream_peer *peer) {
    const struct gw_list *idle = &peer->conns.of[GW_UPSTREAM_CONN_IDLE];
    while (!gw_list_is_empty(idle)) {
        struct gw_upstream_conn *conn = gw_container_of(idle->next, struct gw_upstream_conn, link);
        if (!gw_upstream_conn_is_stale(conn))
            return conn;
        gw_upstream_conn_close(conn);
    }
    return NULL;
}

static enum gw_status use_idle_connection(struct gw_upstream_conn *conn,
                                          struct gw_upstream_call *call) {
    attach(conn, call);
    if (send_head(conn))
        return GW_OK;
    (void)detach(conn);
    close_connection(conn);
    return fail_to_open(call, GW_NO_MEMORY, "out of memory");
}

// Why a connection could not even be started.
static const char *problem_of(enum gw_status status) {
    return status == GW_UNAVAILABLE ? "could not connect"
                                    : "the gateway has nothing left to connect with";
}

static enum gw_status open_connection(struct gw_upstream *upstream, struct gw_upstream_peer *peer,
                                      struct gw_upstream_call *call) {
    struct gw_upstream_conn *conn;
    enum gw_status status = create_connection(upstream, call, &conn);
    if (status != GW_OK) {
        gw_upstream_balancer_report_nothing(peer, now_ms(upstream));
        return status;
    }
    status = connect_to(conn, peer);
    if (status == GW_OK)
        return GW_OK;
    (void)detach(conn);
    if (status == GW_UNAVAILABLE)
        report_failure(upstream, peer, "could not connect");
    close_connection(conn);
    return fail_to_open(call, status, problem_of(status));
}

// No name has resolved yet: the call waits for the lookups, if there are any.
static enum gw_status await_address(struct gw_upstream *upstream, struct gw_upstream_call *call) {
    struct gw_upstream_conn *conn;
    if (!gw_upstream_origins_refresh(&upstream->origins))
        return fail_to_open(call, GW_UNAVAILABLE, "its name does not resolve");
    return create_connection(upstream, call, &conn);
}

// Gives the call a connection to an address that it has not tried: a fresh one, or a parked one if
// that may be.
static enum gw_status find_connection(struct gw_upstream *upstream, struct gw_upstream_call *call,
                                      bool may_be_parked) {
    gw_assert(call->conn == NULL);
    if (upstream->is_closing)
        return fail_to_open(call, GW_UNAVAILABLE, "the gateway is stopping");
    if (upstream->balancer.count == 0)
        return await_address(upstream, call);
    for (;;) {
        struct gw_upstream_peer *peer =
            gw_upstream_balancer_pick(&upstream->balancer, &call->tries, now_ms(upstream));
        if (peer == NULL)
            return fail_to_open(call, GW_UNAVAILABLE, "could not connect");
        struct gw_upstream_conn *idle = may_be_parked ? find_idle_connection(peer) : NULL;
        enum gw_status status =
            idle != NULL ? use_idle_connection(idle, call) : open_connection(upstream, peer, call);
        if (status != GW_UNAVAILABLE)
            return status;
    }
}

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
    struct gw_upstream_call *call = detach(conn);
    if (status == GW_TIMED_OUT && conn->is_request_whole && !conn->has_answered)
        report_failure(conn->upstream, peer_of(conn), reason);
    close_connection(conn);
    fail_call(call, status, reason);
}

static void report_writable(struct gw_upstream_call *call) {
    if (!call->is_body_ended && gw_upstream_call_is_writable(call))
        call->events->on_writable(call);
}

static void on_unreachable(struct gw_upstream_conn *conn, enum gw_status status,
                           const char *reason) {
    struct gw_upstream *upstream = conn->upstream;
    struct gw_upstream_peer *peer = peer_of(conn);
    struct gw_upstream_call *call = detach(conn);
    // A refused TLS session is no fault of the address.
    if (gw_transport_drop_offered_session(&conn->transport) && status == GW_UNAVAILABLE)
        gw_upstream_balancer_allow_again(&upstream->balancer, peer, &call->tries, now_ms(upstream));
    else
        report_failure(upstream, peer, reason);
    gw_upstream_conn_close(conn);
    if (find_connection(upstream, call, true) == GW_OK)
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
    (void)detach(conn);
    close_connection(conn);
    fail_call(call, GW_TIMED_OUT, "could not connect in time");
}

// The connection may have been closed while it was parked, before it got this request.
static bool may_retry(const struct gw_upstream_conn *conn) {
    const struct gw_upstream_call *call = conn->call;
    return conn->was_used && !call->was_retried && call->request.is_idempotent &&
           call->request.body == GW_UPSTREAM_NO_BODY;
}

// To another address, if there is one.
static enum gw_status find_another_connection(struct gw_upstream *upstream,
                                              struct gw_upstream_call *call) {
    enum gw_status status = find_connection(upstream, call, false);
    if (status != GW_UNAVAILABLE)
        return status;
    call->tries = (struct gw_upstream_tries){.places = 0};
    return find_connection(upstream, call, false);
}

static void retry(struct gw_upstream_conn *conn) {
    struct gw_upstream *upstream = conn->upstream;
    struct gw_upstream_call *call = detach(conn);
    close_connection(conn);
    gw_assert(!call->was_retried);
    call->was_retried = true;
    enum gw_status status = find_another_connection(upstream, call);
    if (status != GW_OK)
        fail_call(call, status, call->reason);
}

static void on_lost(struct gw_upstream_conn *conn) {
    const char *reason = conn->has_answered ? "the connection closed within the response"
                                            : "the connection closed before a response";
    if (!conn->has_answered && may_retry(conn)) {
        retry(conn);
        return;
    }
    struct gw_upstream_call *call = detach(conn);
    if (!conn->was_used && !conn->has_answered)
        report_failure(conn->upstream, peer_of(conn), reason);
    close_connection(conn);
    fail_call(call, GW_CLOSED, reason);
}

static void on_complete(struct gw_upstream_conn *conn, bool is_clean) {
    struct gw_upstream_call *call = detach(conn);
    if (is_clean && conn->is_request_whole && peer_of(conn)->is_listed &&
        gw_upstream_conn_may_park(conn))
        gw_upstream_conn_park(conn);
    else
        gw_upstream_conn_close(conn);
    call->events->on_end(call);
}

// ---- passed on to the call ----

static void on_open(struct gw_upstream_conn *conn) {
    if (send_head(conn))
        report_writable(conn->call);
    else
        on_failed(conn, GW_NO_MEMORY, "out of memory");
}

static void on_continue(struct gw_upstream_conn *conn) {
    const struct gw_upstream_call_events *events = conn->call->events;
    if (events->on_continue != NULL)
        events->on_continue(conn->call);
}

static void on_head(struct gw_upstream_conn *conn, const struct gw_http_head *head) {
    gw_upstream_balancer_report_answer(&conn->upstream->balancer, peer_of(conn));
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
    struct gw_upstream_call *call = detach(conn);
    if (call != NULL) // the upstream was closed under it
        fail_call(call, GW_CLOSED, "the gateway is stopping");
    end_close(conn->upstream);
}

static const struct gw_upstream_conn_events conn_events = {
    .on_open = on_open,
    .on_continue = on_continue,
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

static void close_all(struct gw_list *conns) {
    while (!gw_list_is_empty(conns))
        gw_upstream_conn_close(gw_container_of(conns->next, struct gw_upstream_conn, link));
}

// The call of the connection waited for an address until now.
static void leave_waiting(struct gw_upstream_conn *conn) {
    struct gw_upstream *upstream = conn->upstream;
    struct gw_upstream_peer *peer =
        gw_upstream_balancer_pick(&upstream->balancer, &conn->call->tries, now_ms(upstream));
    gw_assert(peer != NULL);
    enum gw_status status = connect_to(conn, peer);
    if (status == GW_UNAVAILABLE)
        on_unreachable(conn, status, problem_of(status));
    else if (status != GW_OK)
        on_failed(conn, status, problem_of(status));
}

static void update_balancer(struct gw_upstream *upstream, const struct gw_upstream_origin *origin) {
    struct gw_upstream_balancer *balancer = &upstream->balancer;
    gw_upstream_balancer_update(balancer, (int)(origin - upstream->origins.list),
                                origin->addresses.list, origin->addresses.count);
    for (int i = 0; i < balancer->count; i++) {
        if (!balancer->list[i].is_listed)
            close_all(&balancer->list[i].conns.of[GW_UPSTREAM_CONN_IDLE]);
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
    enum gw_status status = find_connection(upstream, call, true);
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
    (void)detach(conn);
    close_connection(conn);
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
        close_all(&upstream->waiting.of[state]);
        for (int i = 0; i < upstream->balancer.count; i++)
            close_all(&upstream->balancer.list[i].conns.of[state]);
    }
    gw_upstream_origins_close(&upstream->origins, on_origins_closed);
}
