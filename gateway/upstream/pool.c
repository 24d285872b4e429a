// SPDX-License-Identifier: MIT
// The pool, and what becomes of a call when its connection fails: another address, the one retry,
// or the end.
#include "gateway/upstream/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/exchange/services.h"
#include "gateway/upstream/balancer.h"
#include "gateway/upstream/conn.h"
#include "gateway/upstream/resolver.h"

// One --upstream.
struct origin {
    struct gw_upstream *upstream;
    struct gw_upstream_url url;
    struct gw_upstream_addresses addresses;
};

struct gw_upstream {
    const struct gw_services *services;
    struct gw_upstream_conn_lists waiting; // connections without an address
    struct gw_upstream_peers peers;
    struct tls_client_context *tls; // NULL: no origin needs it
    struct origin origins[GW_UPSTREAM_ORIGINS_MAX];
    int origin_count;
    int origins_open;
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

static struct origin *origin_of(struct gw_upstream *upstream, const struct gw_upstream_peer *peer) {
    return &upstream->origins[peer->origin];
}

// ---- a connection for a call ----

static void attach(struct gw_upstream_conn *conn, struct gw_upstream_call *call) {
    gw_assert(conn->call == NULL && call->conn == NULL);
    conn->call = call;
    call->conn = conn;
}

// NULL when there is none.
static struct gw_upstream_call *detach(struct gw_upstream_conn *conn) {
    struct gw_upstream_call *call = conn->call;
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

// From the first attempt on.
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
        .context = upstream->tls, .name = url->host, .kept = &peer->tls_session};
    upstream->services->metrics->upstream_connects_total++;
    return gw_upstream_conn_connect(conn, &peer->conns, (const struct sockaddr *)&peer->address,
                                    url->is_tls ? &server : NULL);
}

// The call that it was for is gone. Who waits to hear how the address is doing need not wait for
// it.
static void close_connection(struct gw_upstream_conn *conn) {
    if (conn->lists != &conn->upstream->waiting)
        gw_upstream_peers_report_nothing(peer_of(conn), now_ms(conn->upstream));
    gw_upstream_conn_close(conn);
}

// A failed connection may mean that the name has other addresses by now.
static void report_failure(struct gw_upstream *upstream, struct gw_upstream_peer *peer,
                           const char *reason) {
    gw_upstream_peers_report_failure(&upstream->peers, peer, now_ms(upstream), reason);
    (void)gw_upstream_addresses_refresh(&origin_of(upstream, peer)->addresses);
}

static bool send_head(struct gw_upstream_conn *conn) {
    gw_deadline_clear(&conn->call->connect_deadline);
    const struct origin *origin = origin_of(conn->upstream, peer_of(conn));
    return gw_upstream_call_send_head(conn->call, origin->url.authority) == GW_OK;
}

// One that rested, NULL: there is none. Those that the registry is about to close are closed here.
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

// Of a connection that could not even be begun.
static const char *problem_of(enum gw_status status) {
    return status == GW_UNAVAILABLE ? "could not connect"
                                    : "the gateway has nothing left to connect with";
}

static enum gw_status open_connection(struct gw_upstream *upstream, struct gw_upstream_peer *peer,
                                      struct gw_upstream_call *call) {
    struct gw_upstream_conn *conn;
    enum gw_status status = create_connection(upstream, call, &conn);
    if (status != GW_OK) {
        gw_upstream_peers_report_nothing(peer, now_ms(upstream));
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

// Before any name was looked up with success: waits for the lookups that are under way, or can be.
static enum gw_status await_address(struct gw_upstream *upstream, struct gw_upstream_call *call) {
    struct gw_upstream_conn *conn;
    bool is_looking_up = false;
    for (int i = 0; i < upstream->origin_count; i++)
        is_looking_up |= gw_upstream_addresses_refresh(&upstream->origins[i].addresses);
    if (!is_looking_up)
        return fail_to_open(call, GW_UNAVAILABLE, "its name does not resolve");
    return create_connection(upstream, call, &conn);
}

// Gives the call a connection to an address that it did not try yet, a fresh one or, if it may be,
// one that rested.
static enum gw_status find_connection(struct gw_upstream *upstream, struct gw_upstream_call *call,
                                      bool may_be_used) {
    if (upstream->is_closing)
        return fail_to_open(call, GW_UNAVAILABLE, "the gateway is stopping");
    if (upstream->peers.count == 0)
        return await_address(upstream, call);
    for (;;) {
        struct gw_upstream_peer *peer =
            gw_upstream_peers_pick(&upstream->peers, &call->tries, now_ms(upstream));
        if (peer == NULL)
            return fail_to_open(call, GW_UNAVAILABLE, "could not connect");
        struct gw_upstream_conn *idle = may_be_used ? find_idle_connection(peer) : NULL;
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

// Last act of every path that comes here: on_error may free the call or start another.
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

static void tell_writable(struct gw_upstream_call *call) {
    if (!call->is_body_ended && gw_upstream_call_is_writable(call))
        call->events->on_writable(call);
}

static void on_unreachable(struct gw_upstream_conn *conn, enum gw_status status,
                           const char *reason) {
    struct gw_upstream *upstream = conn->upstream;
    struct gw_upstream_peer *peer = peer_of(conn);
    struct gw_upstream_call *call = detach(conn);
    // A session that the registry stumbles over says nothing of the address.
    if (gw_transport_drop_offered_session(&conn->transport) && status == GW_UNAVAILABLE)
        gw_upstream_peers_allow_again(&upstream->peers, peer, &call->tries, now_ms(upstream));
    else
        report_failure(upstream, peer, reason);
    gw_upstream_conn_close(conn);
    if (find_connection(upstream, call, true) == GW_OK)
        tell_writable(call); // a pooled connection may be there at once
    else
        fail_call(call, status, reason);
}

// Some attempt is under way, or a name is being looked up.
static void on_connect_deadline(struct gw_deadline *deadline) {
    struct gw_upstream_call *call =
        gw_container_of(deadline, struct gw_upstream_call, connect_deadline);
    struct gw_upstream_conn *conn = call->conn;
    (void)detach(conn);
    close_connection(conn);
    fail_call(call, GW_TIMED_OUT, "could not connect in time");
}

// On a connection that may have died of age.
static bool may_retry(const struct gw_upstream_conn *conn) {
    const struct gw_upstream_call *call = conn->call;
    return conn->was_used && !call->was_retried && call->request.is_idempotent &&
           call->request.body == GW_UPSTREAM_NO_BODY;
}

// Somewhere else if there is anything else.
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
        gw_upstream_conn_may_rest(conn))
        gw_upstream_conn_rest(conn);
    else
        gw_upstream_conn_close(conn);
    call->events->on_end(call);
}

// ---- what passes through to the call ----

static void on_open(struct gw_upstream_conn *conn) {
    if (send_head(conn))
        tell_writable(conn->call);
    else
        on_failed(conn, GW_NO_MEMORY, "out of memory");
}

static void on_continue(struct gw_upstream_conn *conn) {
    const struct gw_upstream_call_events *events = conn->call->events;
    if (events->on_continue != NULL)
        events->on_continue(conn->call);
}

static void on_head(struct gw_upstream_conn *conn, const struct gw_http_head *head) {
    gw_upstream_peers_report_answer(&conn->upstream->peers, peer_of(conn));
    // It gave up waiting for a request, and has not seen this one.
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
    tell_writable(conn->call);
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

static void update_peers(struct origin *origin) {
    struct gw_upstream_peers *peers = &origin->upstream->peers;
    gw_upstream_peers_update(peers, (int)(origin - origin->upstream->origins),
                             origin->addresses.list, origin->addresses.count);
    for (int i = 0; i < peers->count; i++) {
        if (!peers->list[i].is_listed)
            close_all(&peers->list[i].conns.of[GW_UPSTREAM_CONN_IDLE]);
    }
}

static bool is_any_looking_up(const struct gw_upstream *upstream) {
    for (int i = 0; i < upstream->origin_count; i++) {
        if (upstream->origins[i].addresses.is_looking_up)
            return true;
    }
    return false;
}

// For a call that waited until now.
static void leave_waiting(struct gw_upstream_conn *conn) {
    struct gw_upstream *upstream = conn->upstream;
    struct gw_upstream_peer *peer =
        gw_upstream_peers_pick(&upstream->peers, &conn->call->tries, now_ms(upstream));
    gw_assert(peer != NULL);
    enum gw_status status = connect_to(conn, peer);
    if (status == GW_UNAVAILABLE)
        on_unreachable(conn, status, problem_of(status));
    else if (status != GW_OK)
        on_failed(conn, status, problem_of(status));
}

static void on_resolved(struct gw_upstream_addresses *addresses) {
    struct origin *origin = gw_container_of(addresses, struct origin, addresses);
    struct gw_upstream *upstream = origin->upstream;
    struct gw_list waiting;
    update_peers(origin);
    if (upstream->peers.count == 0 && is_any_looking_up(upstream))
        return;
    gw_list_init(&waiting);
    gw_list_append_all(&waiting, &upstream->waiting.of[GW_UPSTREAM_CONN_RESOLVING]);
    while (!gw_list_is_empty(&waiting)) {
        struct gw_upstream_conn *conn =
            gw_container_of(waiting.previous, struct gw_upstream_conn, link);
        gw_assert(conn->call != NULL);
        if (upstream->peers.count == 0)
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

static bool is_separator(char c) {
    return c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// The next address of *text, which moves behind it; empty at the end.
static struct gw_str next_url(const char **text) {
    while (is_separator(**text))
        (*text)++;
    const char *start = *text;
    while (**text != '\0' && !is_separator(**text))
        (*text)++;
    return gw_str(start, (size_t)(*text - start));
}

static enum gw_status refuse(struct gw_upstream_problem *problem, struct gw_str culprit,
                             const char *text) {
    problem->culprit = culprit;
    (void)snprintf(problem->text, sizeof(problem->text), "%s", text);
    return GW_INVALID;
}

static enum gw_status add_origin(struct gw_upstream *upstream, struct gw_str text,
                                 struct gw_upstream_problem *problem) {
    const char *why;
    struct origin *origin = &upstream->origins[upstream->origin_count];
    if (upstream->origin_count == GW_UPSTREAM_ORIGINS_MAX)
        return refuse(problem, text, "there are too many of them");
    if (gw_upstream_url_parse(text, &origin->url, &why) != GW_OK)
        return refuse(problem, text, why);
    for (int i = 0; i < upstream->origin_count; i++) {
        if (gw_str_equal_nocase(upstream->origins[i].url.authority, origin->url.authority))
            return refuse(problem, text, "it is there twice");
    }
    origin->upstream = upstream;
    upstream->origin_count++;
    return GW_OK;
}

static enum gw_status add_origins(struct gw_upstream *upstream,
                                  const struct gw_upstream_options *options,
                                  struct gw_upstream_problem *problem) {
    for (int i = 0; i < options->text_count; i++) {
        const char *text = options->texts[i];
        for (struct gw_str url; (url = next_url(&text)).length > 0;) {
            if (add_origin(upstream, url, problem) != GW_OK)
                return GW_INVALID;
        }
    }
    return upstream->origin_count > 0 ? GW_OK
                                      : refuse(problem, GW_STR(""), "there is no address in it");
}

static enum gw_status load_authorities(struct gw_upstream *upstream,
                                       const struct gw_upstream_options *options,
                                       struct gw_upstream_problem *problem) {
    const char *file = options->authorities_file;
    for (int i = 0; i < upstream->origin_count; i++) {
        if (!upstream->origins[i].url.is_tls)
            continue;
        problem->culprit = upstream->origins[i].url.authority;
        return tls_client_context_create(file != NULL ? file : TLS_AUTHORITIES_OF_SYSTEM,
                                         &upstream->tls, problem->text);
    }
    return GW_OK;
}

static void open_addresses(struct gw_upstream *upstream) {
    for (int i = 0; i < upstream->origin_count; i++) {
        struct origin *origin = &upstream->origins[i];
        gw_upstream_addresses_open(&origin->addresses, upstream->services->loop, &origin->url,
                                   on_resolved);
        update_peers(origin); // a number needs no lookup
        upstream->origins_open++;
    }
}

enum gw_status gw_upstream_create(const struct gw_services *services,
                                  const struct gw_upstream_options *options,
                                  struct gw_upstream **upstream,
                                  struct gw_upstream_problem *problem) {
    struct gw_upstream *created = calloc(1, sizeof(*created));
    if (created == NULL) {
        (void)refuse(problem, GW_STR(""), "out of memory");
        return GW_NO_MEMORY;
    }
    enum gw_status status = add_origins(created, options, problem);
    if (status == GW_OK)
        status = load_authorities(created, options, problem);
    if (status != GW_OK) {
        free(created);
        return status;
    }
    created->services = services;
    gw_upstream_conn_lists_init(&created->waiting);
    gw_upstream_peers_init(&created->peers, services->metrics);
    open_addresses(created);
    *upstream = created;
    return GW_OK;
}

void gw_upstream_stats(const struct gw_upstream *upstream, struct gw_upstream_stats *stats) {
    *stats = (struct gw_upstream_stats){.connections_opening =
                                            upstream->waiting.counts[GW_UPSTREAM_CONN_RESOLVING]};
    for (int i = 0; i < upstream->peers.count; i++) {
        const int *counts = upstream->peers.list[i].conns.counts;
        stats->connections_opening += counts[GW_UPSTREAM_CONN_CONNECTING];
        stats->connections_busy += counts[GW_UPSTREAM_CONN_BUSY];
        stats->connections_idle += counts[GW_UPSTREAM_CONN_IDLE];
    }
}

static bool has_connections(const struct gw_upstream *upstream) {
    bool has = gw_upstream_conn_lists_count(&upstream->waiting) > 0;
    for (int i = 0; i < upstream->peers.count; i++)
        has = has || gw_upstream_conn_lists_count(&upstream->peers.list[i].conns) > 0;
    return has;
}

static void end_close(struct gw_upstream *upstream) {
    if (!upstream->is_closing || upstream->origins_open > 0 || has_connections(upstream))
        return;
    if (upstream->on_closed != NULL)
        upstream->on_closed(upstream);
    gw_upstream_peers_deinit(&upstream->peers);
    tls_client_context_destroy(upstream->tls);
    free(upstream);
}

static void on_addresses_closed(struct gw_upstream_addresses *addresses) {
    struct origin *origin = gw_container_of(addresses, struct origin, addresses);
    origin->upstream->origins_open--;
    end_close(origin->upstream);
}

void gw_upstream_close(struct gw_upstream *upstream,
                       void (*on_closed)(struct gw_upstream *upstream)) {
    upstream->is_closing = true;
    upstream->on_closed = on_closed;
    for (int state = 0; state < GW_UPSTREAM_CONN_CLOSING; state++) {
        close_all(&upstream->waiting.of[state]);
        for (int i = 0; i < upstream->peers.count; i++)
            close_all(&upstream->peers.list[i].conns.of[state]);
    }
    for (int i = 0; i < upstream->origin_count; i++)
        gw_upstream_addresses_close(&upstream->origins[i].addresses, on_addresses_closed);
}
