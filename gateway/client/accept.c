// SPDX-License-Identifier: MIT
#include "gateway/client/accept.h"

#include <stdlib.h>

#include "gateway/client/deadlines.h"
#include "gateway/client/handlers.h"
#include "gateway/net/transport.h"
#include "gateway/net/transport_log.h"
#include "gateway/net/transport_peer.h"
#include "gateway/settings/metrics.h"

// ---- the exchange's owner ----

static struct gw_conn *conn_of_exchange(const struct gw_exchange *exchange) {
    return gw_container_of(exchange, struct gw_conn, exchange);
}

static struct gw_buf *on_output_asked(struct gw_exchange *exchange) {
    return gw_transport_output(&conn_of_exchange(exchange)->transport);
}

// Behind a step the output is flushed anyway; output at any other time leaves at the end of the
// turn.
static void on_output(struct gw_exchange *exchange) {
    struct gw_conn *conn = conn_of_exchange(exchange);
    gw_output_add(&conn->output);
    gw_conn_note_output(conn);
    if (!conn->is_advancing)
        gw_conn_group_flush_later(conn->group, &conn->member);
}

static void on_response_end(struct gw_exchange *exchange) {
    gw_conn_run(conn_of_exchange(exchange));
}

static void on_response_broken(struct gw_exchange *exchange) {
    gw_conn_move_on(conn_of_exchange(exchange), GW_PHASE_BROKEN);
}

static void on_body_wanted(struct gw_exchange *exchange, bool wanted) {
    struct gw_conn *conn = conn_of_exchange(exchange);
    conn->is_body_wanted = wanted;
    gw_conn_restart_deadline(conn);
    if (wanted)
        gw_conn_run(conn);
    else if (!conn->is_advancing)
        gw_conn_arm(conn);
}

static size_t on_pending_asked(const struct gw_exchange *exchange) {
    return gw_transport_pending_bytes(&conn_of_exchange(exchange)->transport);
}

static const struct gw_exchange_owner_calls owner_calls = {.output = on_output_asked,
                                                           .on_output = on_output,
                                                           .on_response_end = on_response_end,
                                                           .on_response_broken = on_response_broken,
                                                           .on_body_wanted = on_body_wanted,
                                                           .pending_bytes = on_pending_asked};

static void on_request_body(struct gw_http_parser *parser, struct gw_str bytes) {
    struct gw_conn *conn = gw_container_of(parser, struct gw_conn, parser);
    gw_handlers_pass_body(&conn->exchange, bytes);
}

// ---- the transport ----

static struct gw_conn *conn_of_transport(struct gw_transport *transport) {
    return gw_container_of(transport, struct gw_conn, transport);
}

// Whose connection it is, as far as is known; a PROXY header may tell more.
static void note_client(struct gw_conn *conn) {
    if (gw_conn_is_client(conn))
        gw_idle_join(&conn->group->idle, &conn->member.idle, gw_ip_client_key(&conn->peer.ip));
}

// Once the peer is known for good.
static bool claim_address(struct gw_conn *conn) {
    return !gw_conn_is_client(conn) || gw_peer_claim(&conn->peer, &conn->group->addresses);
}

static void on_transport_proxy_header(struct gw_transport *transport,
                                      const struct gw_proxy_header *header) {
    struct gw_conn *conn = conn_of_transport(transport);
    gw_peer_take_header(&conn->peer, header);
    note_client(conn);
    if (!claim_address(conn))
        gw_conn_move_on(conn, GW_PHASE_GONE);
}

static void on_transport_open(struct gw_transport *transport) {
    struct gw_conn *conn = conn_of_transport(transport);
    gw_peer_note_open(&conn->peer, transport);
    if (conn->phase == GW_PHASE_OPENING)
        gw_conn_move_on(conn, GW_PHASE_OPEN);
}

static void on_transport_read(struct gw_transport *transport, struct gw_str bytes) {
    gw_conn_run_with(conn_of_transport(transport), bytes);
}

// A client that has closed its side does not wait for what the registry may say, but does get our
// own short responses.
static void on_transport_end(struct gw_transport *transport) {
    struct gw_conn *conn = conn_of_transport(transport);
    const struct gw_route *route = conn->exchange.match.route;
    bool is_forwarding =
        conn->state == GW_CONN_HANDLE && route != NULL && route->target == GW_ROUTE_FORWARD;
    bool has_failed = conn->phase == GW_PHASE_FAILED;
    gw_conn_move_on(conn, is_forwarding || has_failed ? GW_PHASE_GONE : GW_PHASE_ENDED);
}

static void on_transport_drain(struct gw_transport *transport) {
    struct gw_conn *conn = conn_of_transport(transport);
    gw_output_note_drain(&conn->output);
    gw_conn_restart_deadline(conn);
    if (conn->serving == GW_SERVING &&
        gw_transport_pending_bytes(transport) <= GW_CONN_WRITE_LOW_WATER_BYTES)
        gw_handlers_resume(&conn->exchange);
    gw_conn_run(conn);
}

static void note_unopened(struct gw_conn *conn, const char *otherwise) {
    gw_peer_note_unopened(&conn->peer);
    if (!conn->peer.needs_header)
        gw_transport_log_failure(&conn->transport, "client", conn->peer.address, otherwise);
}

static void on_transport_error(struct gw_transport *transport, enum gw_status status) {
    struct gw_conn *conn = conn_of_transport(transport);
    bool has_farewell = status == GW_INVALID && conn->phase != GW_PHASE_ENDED;
    if (conn->phase == GW_PHASE_OPENING)
        note_unopened(conn, "the client closed the connection");
    else if (status == GW_INVALID)
        gw_transport_log_failure(transport, "client", conn->peer.address, "-");
    gw_conn_move_on(conn, has_farewell ? GW_PHASE_FAILED : GW_PHASE_GONE);
}

static void on_transport_closed(struct gw_transport *transport) {
    struct gw_conn *conn = conn_of_transport(transport);
    struct gw_conn_group *group = conn->group;
    gw_assert(conn->serving != GW_SERVING);
    gw_deadline_clear(&conn->deadline);
    gw_exchange_deinit(&conn->exchange);
    gw_http_parser_deinit(&conn->parser);
    gw_input_deinit(&conn->input);
    gw_peer_release(&conn->peer, &group->addresses);
    gw_conn_group_leave(group, &conn->member);
    free(conn);
}

static const struct gw_transport_events transport_events = {.on_proxy_header =
                                                                on_transport_proxy_header,
                                                            .on_open = on_transport_open,
                                                            .on_read = on_transport_read,
                                                            .on_end = on_transport_end,
                                                            .on_drain = on_transport_drain,
                                                            .on_error = on_transport_error,
                                                            .on_closed = on_transport_closed};

// ---- the deadline ----

static void expire(struct gw_conn *conn) {
    conn->is_expired = true;
    gw_conn_run(conn);
}

static void give_up(struct gw_conn *conn) {
    gw_conn_move_on(conn, GW_PHASE_GONE);
}

static void give_up_opening(struct gw_conn *conn) {
    note_unopened(conn, "the client took too long");
    give_up(conn);
}

// Gives the memory of the last request back, and waits on.
static void trim(struct gw_conn *conn) {
    gw_http_parser_trim(&conn->parser);
    gw_exchange_trim(&conn->exchange);
    gw_conn_arm(conn);
}

static const struct expiry {
    bool is_timeout; // counts as one
    void (*act)(struct gw_conn *conn);
} expiries[] = {
    [GW_DEADLINE_HANDSHAKE] = {true, give_up_opening},
    [GW_DEADLINE_HEAD] = {true, expire},
    [GW_DEADLINE_BODY] = {true, expire},
    [GW_DEADLINE_WRITE] = {true, give_up},
    [GW_DEADLINE_REFUSAL] = {false, expire},
    [GW_DEADLINE_TRIM] = {false, trim},
    [GW_DEADLINE_IDLE] = {false, expire},
    [GW_DEADLINE_LINGER] = {false, give_up},
};

static void on_deadline(struct gw_deadline *deadline) {
    struct gw_conn *conn = gw_container_of(deadline, struct gw_conn, deadline);
    enum gw_deadline_id id = conn->deadline_id;
    gw_assert(id < sizeof(expiries) / sizeof(expiries[0]));
    conn->deadline_id = GW_DEADLINE_COUNT;
    if (id == GW_DEADLINE_WRITE && gw_output_has_progress(&conn->output)) {
        gw_conn_arm(conn); // the client reads, if slowly
        return;
    }
    if (expiries[id].is_timeout)
        conn->group->services->metrics->timeouts_total++;
    expiries[id].act(conn);
}

// ---- the group ----

static struct gw_conn *conn_of_member(struct gw_group_member *member) {
    return gw_container_of(member, struct gw_conn, member);
}

static void on_flush(struct gw_group_member *member) {
    struct gw_conn *conn = conn_of_member(member);
    gw_conn_flush(conn);
    gw_conn_arm(conn);
}

static bool on_dismiss(struct gw_group_member *member) {
    struct gw_conn *conn = conn_of_member(member);
    conn->is_dismissed = true;
    gw_conn_run(conn);
    return conn->state >= GW_CONN_FAREWELL;
}

// Nothing is owed to the client but a farewell, which is not waited for. A request that has come
// and was not read yet is not lost.
static bool on_make_room(struct gw_group_member *member) {
    struct gw_conn *conn = conn_of_member(member);
    if (!gw_conn_is_idle(conn) || gw_transport_has_unread(&conn->transport))
        return false;
    if (conn->state == GW_CONN_HEAD)
        gw_transport_shutdown(&conn->transport);
    gw_conn_move_on(conn, GW_PHASE_GONE);
    return true;
}

static void on_close(struct gw_group_member *member) {
    gw_conn_move_on(conn_of_member(member), GW_PHASE_GONE);
}

static const struct gw_group_member_calls member_calls = {.on_flush = on_flush,
                                                          .on_dismiss = on_dismiss,
                                                          .on_make_room = on_make_room,
                                                          .on_close = on_close};

// ---- accepting ----

static struct gw_conn *create(struct gw_conn_group *group, bool is_tls, enum gw_site site) {
    struct gw_services *services = group->services;
    struct gw_conn *conn = calloc(1, sizeof(*conn));
    if (conn == NULL)
        return NULL;
    bool needs_header = site != GW_SITE_ADMIN && services->config->proxy_protocol;
    bool is_opening = is_tls || needs_header;
    conn->group = group;
    conn->state = is_opening ? GW_CONN_OPEN : GW_CONN_HEAD;
    conn->phase = is_opening ? GW_PHASE_OPENING : GW_PHASE_OPEN;
    conn->deadline_id = GW_DEADLINE_COUNT;
    gw_input_init(&conn->input);
    gw_output_init(&conn->output, &conn->transport);
    gw_deadline_init(&conn->deadline, on_deadline);
    gw_http_parser_init(&conn->parser, GW_HTTP_REQUESTS, on_request_body);
    gw_exchange_init(&conn->exchange, services, &owner_calls);
    conn->exchange.site = site;
    gw_peer_init(&conn->peer, &conn->exchange, is_tls, needs_header);
    gw_conn_group_join(group, &conn->member, &member_calls);
    return conn;
}

// The newcomer is accepted in any case, if only to be closed: libuv does not listen on while one
// waits for that.
static enum gw_status take(struct gw_conn *conn, uv_stream_t *listener, struct tls_context *tls) {
    struct gw_services *services = conn->group->services;
    enum gw_status status = gw_transport_init(&conn->transport, services->loop,
                                              services->transport_shared, tls, &transport_events);
    if (status == GW_OK && conn->peer.needs_header)
        status = gw_transport_expect_proxy_header(&conn->transport);
    enum gw_status accepted = gw_transport_accept(&conn->transport, listener);
    if (status == GW_OK)
        status = accepted;
    if (status == GW_OK)
        status = gw_peer_find(&conn->peer, &conn->transport);
    if (status == GW_OK)
        note_client(conn);
    return status;
}

// Among clients, making room for the newcomer where there is none. What is left of descriptors is
// not for them.
static bool is_room_for(const struct gw_conn *conn) {
    struct gw_conn_group *group = conn->group;
    struct gw_services *services = group->services;
    if (!gw_conn_is_client(conn))
        return true;
    if (gw_transport_is_over(&conn->transport, services->descriptors_max)) {
        services->metrics->descriptor_shortages_total++;
        gw_conn_group_note_shortage(group);
    }
    return !gw_conn_group_is_over(group) || gw_conn_group_make_room(group, &conn->member);
}

static void turn_away(struct gw_conn *conn) {
    gw_conn_group_note_closing(conn->group, &conn->member);
    gw_transport_close(&conn->transport);
}

static void refuse_untrusted(struct gw_conn *conn) {
    struct gw_conn_group *group = conn->group;
    group->services->metrics->connections_refused_proxy_total++;
    gw_untrusted_peers_note(&group->untrusted, conn->peer.address, uv_now(group->services->loop));
    turn_away(conn);
}

enum gw_status gw_conn_accept(struct gw_conn_group *group, uv_stream_t *listener,
                              struct tls_context *tls, enum gw_site site) {
    struct gw_metrics *metrics = group->services->metrics;
    struct gw_conn *conn = create(group, tls != NULL, site);
    if (conn == NULL)
        return GW_NO_MEMORY;
    enum gw_status status = take(conn, listener, tls);
    if (status == GW_CLOSED) { // hung up while it waited to be accepted
        metrics->connections_accepted_total++;
        turn_away(conn);
    } else if (status == GW_DENIED) {
        refuse_untrusted(conn);
    } else if (status != GW_OK || !is_room_for(conn)) {
        metrics->connections_refused_total++;
        turn_away(conn);
    } else if (!claim_address(conn)) {
        turn_away(conn);
    } else {
        metrics->connections_accepted_total++;
        gw_conn_arm(conn);
    }
    return GW_OK;
}
