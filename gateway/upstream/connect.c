// SPDX-License-Identifier: MIT
#include "gateway/upstream/connect.h"

#include "gateway/exchange/services.h"

uint64_t gw_upstream_now_ms(const struct gw_upstream *upstream) {
    return uv_now(upstream->services->loop);
}

struct gw_upstream_peer *gw_upstream_peer_of(const struct gw_upstream_conn *conn) {
    gw_assert(conn->lists != &conn->upstream->waiting);
    return gw_container_of(conn->lists, struct gw_upstream_peer, conns);
}

static struct gw_upstream_origin *origin_of(struct gw_upstream *upstream,
                                            const struct gw_upstream_peer *peer) {
    gw_assert(peer->origin >= 0 && peer->origin < upstream->origins.count);
    return &upstream->origins.list[peer->origin];
}

// ---- a call and its connection ----

static void attach(struct gw_upstream_conn *conn, struct gw_upstream_call *call) {
    gw_assert(conn->call == NULL && call->conn == NULL);
    conn->call = call;
    call->conn = conn;
}

struct gw_upstream_call *gw_upstream_detach(struct gw_upstream_conn *conn) {
    struct gw_upstream_call *call = conn->call;
    gw_assert(call == NULL || call->conn == conn);
    if (call != NULL)
        call->conn = NULL;
    conn->call = NULL;
    return call;
}

void gw_upstream_close_connection(struct gw_upstream_conn *conn) {
    gw_assert(conn->call == NULL);
    if (conn->lists != &conn->upstream->waiting)
        gw_upstream_balancer_report_nothing(gw_upstream_peer_of(conn),
                                            gw_upstream_now_ms(conn->upstream));
    gw_upstream_conn_close(conn);
}

void gw_upstream_close_connections(struct gw_list *conns) {
    while (!gw_list_is_empty(conns))
        gw_upstream_conn_close(gw_container_of(conns->next, struct gw_upstream_conn, link));
}

void gw_upstream_report_failure(struct gw_upstream *upstream, struct gw_upstream_peer *peer,
                                const char *reason) {
    gw_upstream_balancer_report_failure(&upstream->balancer, peer, gw_upstream_now_ms(upstream),
                                        reason);
    (void)gw_name_refresh(&origin_of(upstream, peer)->name);
}

enum gw_status gw_upstream_send_head(struct gw_upstream_conn *conn) {
    gw_deadline_clear(&conn->call->connect_deadline);
    const struct gw_upstream_origin *origin = origin_of(conn->upstream, gw_upstream_peer_of(conn));
    return gw_upstream_call_send_head(conn->call, origin->url.authority);
}

// ---- a new connection ----

static enum gw_status fail(struct gw_upstream_call *call, enum gw_status status,
                           const char *reason) {
    call->reason = reason;
    return status;
}

const char *gw_upstream_connect_problem(enum gw_status status) {
    return status == GW_UNAVAILABLE ? "could not connect"
                                    : "the gateway has nothing left to connect with";
}

// Runs from the first attempt on, over all of them.
static void start_connect_clock(struct gw_upstream *upstream, struct gw_upstream_call *call) {
    const struct gw_services *services = upstream->services;
    if (gw_list_is_empty(&call->connect_deadline.link))
        gw_deadline_set(&call->connect_deadline,
                        &services->deadlines[GW_DEADLINE_UPSTREAM_CONNECT_ALL],
                        gw_upstream_now_ms(upstream));
}

static enum gw_status create_connection(struct gw_upstream *upstream, struct gw_upstream_call *call,
                                        struct gw_upstream_conn **conn) {
    enum gw_status status = gw_upstream_conn_create(
        upstream, upstream->services, &upstream->waiting, upstream->conn_events, conn);
    if (status != GW_OK)
        return fail(call, status, "out of memory");
    attach(*conn, call);
    start_connect_clock(upstream, call);
    return GW_OK;
}

// Through its proxy, if it has one.
static enum gw_status start_connect(struct gw_upstream_conn *conn, struct gw_upstream_peer *peer) {
    const struct gw_upstream_origins *origins = &conn->upstream->origins;
    const struct gw_upstream_origin *origin = origin_of(conn->upstream, peer);
    const struct tls_server server = {
        .context = origins->tls, .name = origin->url.host, .kept = &peer->tls_session};
    enum gw_status status = GW_OK;
    struct gw_buf tunnel;
    gw_buf_init(&tunnel, GW_UPSTREAM_PROXY_REQUEST_BYTES_MAX);
    if (origin->proxy != NULL)
        status = gw_upstream_proxy_write_request(origin->proxy, &origin->url, &tunnel);
    if (status == GW_OK)
        status =
            gw_upstream_conn_connect(conn, &peer->conns, (const struct sockaddr *)&peer->address,
                                     origin->url.is_tls ? &server : NULL, gw_buf_bytes(&tunnel));
    gw_buf_deinit_wiped(&tunnel);
    return status;
}

static enum gw_status connect_to(struct gw_upstream_conn *conn, struct gw_upstream_peer *peer) {
    const struct gw_services *services = conn->upstream->services;
    services->metrics->upstream_connects_total++;
    enum gw_status status = start_connect(conn, peer);
    // What is left of descriptors is not for connections to the registry.
    if (status == GW_OK && gw_transport_is_over(&conn->transport, services->descriptors_max))
        status = GW_SYSTEM;
    if (status == GW_SYSTEM)
        services->metrics->descriptor_shortages_total++;
    return status;
}

static enum gw_status open_connection(struct gw_upstream *upstream, struct gw_upstream_peer *peer,
                                      struct gw_upstream_call *call) {
    struct gw_upstream_conn *conn;
    enum gw_status status = create_connection(upstream, call, &conn);
    if (status != GW_OK) {
        gw_upstream_balancer_report_nothing(peer, gw_upstream_now_ms(upstream));
        return status;
    }
    status = connect_to(conn, peer);
    if (status == GW_OK)
        return GW_OK;
    (void)gw_upstream_detach(conn);
    if (status == GW_UNAVAILABLE)
        gw_upstream_report_failure(upstream, peer, gw_upstream_connect_problem(status));
    gw_upstream_close_connection(conn);
    return fail(call, status, gw_upstream_connect_problem(status));
}

// No name has resolved yet: the call waits for the lookups, if there are any.
static enum gw_status await_address(struct gw_upstream *upstream, struct gw_upstream_call *call) {
    struct gw_upstream_conn *conn;
    if (!gw_upstream_origins_refresh(&upstream->origins))
        return fail(call, GW_UNAVAILABLE, "its name does not resolve");
    return create_connection(upstream, call, &conn);
}

enum gw_status gw_upstream_leave_waiting(struct gw_upstream_conn *conn) {
    struct gw_upstream *upstream = conn->upstream;
    struct gw_upstream_peer *peer = gw_upstream_balancer_pick(
        &upstream->balancer, &conn->call->tries, gw_upstream_now_ms(upstream));
    gw_assert(peer != NULL);
    return connect_to(conn, peer);
}

// ---- one that rests ----

// Or NULL. Closes those that the registry is about to close, has closed, or has spoken on.
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
    if (gw_upstream_send_head(conn) == GW_OK)
        return GW_OK;
    (void)gw_upstream_detach(conn);
    gw_upstream_close_connection(conn);
    return fail(call, GW_NO_MEMORY, "out of memory");
}

enum gw_status gw_upstream_find_connection(struct gw_upstream *upstream,
                                           struct gw_upstream_call *call, bool may_rest) {
    gw_assert(call->conn == NULL);
    if (upstream->is_closing)
        return fail(call, GW_UNAVAILABLE, "the gateway is stopping");
    if (upstream->balancer.count == 0)
        return await_address(upstream, call);
    for (;;) {
        struct gw_upstream_peer *peer = gw_upstream_balancer_pick(&upstream->balancer, &call->tries,
                                                                  gw_upstream_now_ms(upstream));
        if (peer == NULL)
            return fail(call, GW_UNAVAILABLE, "could not connect");
        struct gw_upstream_conn *idle = may_rest ? find_idle_connection(peer) : NULL;
        enum gw_status status =
            idle != NULL ? use_idle_connection(idle, call) : open_connection(upstream, peer, call);
        if (status != GW_UNAVAILABLE)
            return status;
    }
}

enum gw_status gw_upstream_find_another_connection(struct gw_upstream *upstream,
                                                   struct gw_upstream_call *call) {
    enum gw_status status = gw_upstream_find_connection(upstream, call, false);
    if (status != GW_UNAVAILABLE)
        return status;
    call->tries = (struct gw_upstream_tries){.places = 0};
    return gw_upstream_find_connection(upstream, call, false);
}
