// SPDX-License-Identifier: MIT
// How a connection runs: callbacks (transport, decision, handler) store what happened and call
// run(); advance() then takes steps until one returns its own state, which means waiting. A step
// starts at most one operation. run() inside a running advance() does nothing: the loop that is
// under way sees what was stored.
#include "gateway/client/conn.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "gateway/api/admin.h"
#include "gateway/auth/authz.h"
#include "gateway/client/access_log.h"
#include "gateway/client/handlers.h"
#include "gateway/client/input.h"
#include "gateway/client/peer.h"
#include "gateway/exchange/exchange.h"
#include "gateway/http/parse.h"
#include "gateway/net/transport.h"

#define CONN_STATES(X)                                                                             \
    X(OPEN, step_open)                                                                             \
    X(HEAD, step_head)                                                                             \
    X(DECIDE, step_decide)                                                                         \
    X(DELAY, step_delay)                                                                           \
    X(HANDLE, step_handle)                                                                         \
    X(LINGER, step_linger)                                                                         \
    X(CLOSE, step_close)

enum conn_state {
#define X(name, step) STATE_##name,
    CONN_STATES(X)
#undef X
};

struct gw_conn {
    struct gw_transport transport;
    struct gw_http_parser parser;
    struct gw_exchange exchange;
    struct gw_decision decision;
    struct gw_deadline deadline;
    struct gw_group_member member;
    struct gw_conn_group *group;
    enum gw_conn_kind kind;
    enum conn_state state;
    enum gw_deadline_id deadline_id; // GW_DEADLINE_COUNT: none
    uint64_t progress_mark;          // acknowledged when the write deadline was set
    size_t body_bytes;               // of the request, since the body deadline was set
    struct gw_input input;
    bool is_advancing;
    bool is_open;   // the transport said so
    bool is_ended;  // the peer sends no more
    bool is_failed; // broken TLS: the transport says farewell, we only wait
    bool is_broken; // a response could not be completed
    bool is_decided;
    bool is_delay_over;
    bool is_body_wanted;
    bool is_input_paused;
    bool is_shut_down;
    bool has_exchange;
    bool has_served;
    bool needs_flush;
    bool needs_rearm;
    struct gw_peer peer;
};

static enum conn_state step_open(struct gw_conn *conn);
static enum conn_state step_head(struct gw_conn *conn);
static enum conn_state step_decide(struct gw_conn *conn);
static enum conn_state step_delay(struct gw_conn *conn);
static enum conn_state step_handle(struct gw_conn *conn);
static enum conn_state step_linger(struct gw_conn *conn);
static enum conn_state step_close(struct gw_conn *conn);

static struct gw_conn *conn_of_transport(struct gw_transport *transport) {
    return gw_container_of(transport, struct gw_conn, transport);
}

static struct gw_conn *conn_of_exchange(const struct gw_exchange *exchange) {
    return gw_container_of(exchange, struct gw_conn, exchange);
}

// ---- running ----

static void set_state(struct gw_conn *conn, enum conn_state state) {
    static const char *const names[] = {
#define X(name, step) #name,
        CONN_STATES(X)
#undef X
    };
    gw_log(GW_LOG_DEBUG, "conn", "state conn=%p from=%s to=%s", (void *)conn, names[conn->state],
           names[state]);
    conn->state = state;
}

// Which deadline the present state asks for.
static enum gw_deadline_id pick_deadline(const struct gw_conn *conn) {
    bool is_writing = gw_transport_pending_bytes(&conn->transport) > 0;
    bool is_reading = gw_http_parser_in_message(&conn->parser) || !conn->has_served ||
                      gw_input_kept_bytes(&conn->input) > 0;
    switch (conn->state) {
    case STATE_OPEN:
        return GW_DEADLINE_HANDSHAKE;
    case STATE_HEAD:
        if (is_writing && conn->has_served) // before that, all that waits is TLS's own
            return GW_DEADLINE_WRITE;
        if (is_reading)
            return GW_DEADLINE_HEAD;
        return conn->parser.block != NULL ? GW_DEADLINE_REST : GW_DEADLINE_IDLE;
    case STATE_HANDLE:
        if (is_writing)
            return GW_DEADLINE_WRITE;
        if (!conn->exchange.body_complete && conn->is_body_wanted)
            return GW_DEADLINE_BODY;
        return GW_DEADLINE_COUNT;
    case STATE_DELAY:
        return GW_DEADLINE_REFUSAL;
    case STATE_LINGER: // the end of a long answer may still be on its way
        return is_writing && !conn->is_failed ? GW_DEADLINE_WRITE : GW_DEADLINE_LINGER;
    case STATE_DECIDE:
    case STATE_CLOSE:
    default:
        return GW_DEADLINE_COUNT;
    }
}

static void arm_deadline(struct gw_conn *conn) {
    enum gw_deadline_id id = pick_deadline(conn);
    if (id == conn->deadline_id && !conn->needs_rearm)
        return;
    struct gw_services *services = conn->group->services;
    conn->deadline_id = id;
    conn->needs_rearm = false;
    conn->body_bytes = 0;
    if (id == GW_DEADLINE_WRITE)
        conn->progress_mark = gw_transport_acknowledged_bytes(&conn->transport);
    if (id == GW_DEADLINE_COUNT)
        gw_deadline_clear(&conn->deadline);
    else
        gw_deadline_set(&conn->deadline, &services->deadlines[id], uv_now(services->loop));
}

static void throttle_input(struct gw_conn *conn) {
    bool is_full = gw_input_is_full(&conn->input);
    if (is_full && !conn->is_input_paused)
        gw_transport_pause(&conn->transport);
    else if (!is_full && conn->is_input_paused)
        gw_transport_resume(&conn->transport);
    conn->is_input_paused = is_full;
}

static void advance(struct gw_conn *conn) {
    static enum conn_state (*const steps[])(struct gw_conn *) = {
#define X(name, step) step,
        CONN_STATES(X)
#undef X
    };
    conn->is_advancing = true;
    for (;;) {
        enum conn_state state = conn->state;
        enum conn_state next = steps[state](conn);
        if (conn->state != state)
            continue; // an error closed the connection inside the step
        if (next == state)
            break;
        set_state(conn, next);
    }
    conn->is_advancing = false;
}

static void flush_output(struct gw_conn *conn) {
    conn->needs_flush = false;
    gw_conn_group_forget_flush(&conn->member);
    gw_transport_flush(&conn->transport);
}

static void settle(struct gw_conn *conn) {
    if (gw_input_end(&conn->input) != GW_OK)
        gw_transport_close(&conn->transport);
    if (gw_transport_is_closing(&conn->transport))
        return;
    if (conn->needs_flush)
        flush_output(conn);
    throttle_input(conn);
    arm_deadline(conn);
}

static void run(struct gw_conn *conn) {
    if (conn->is_advancing || gw_transport_is_closing(&conn->transport))
        return;
    enum gw_status status = gw_input_begin(&conn->input, GW_STR(""));
    gw_assert(status == GW_OK);
    advance(conn);
    settle(conn);
}

// ---- the exchange's owner ----

static struct gw_buf *on_output_asked(struct gw_exchange *exchange) {
    return gw_transport_output(&conn_of_exchange(exchange)->transport);
}

static void on_output(struct gw_exchange *exchange) {
    struct gw_conn *conn = conn_of_exchange(exchange);
    conn->needs_flush = true;
    if (!conn->is_advancing)
        gw_conn_group_flush_later(conn->group, &conn->member);
    // What a handler sees waiting must be what the socket did not take: only that is told of by
    // on_drain.
    if (gw_transport_pending_bytes(&conn->transport) > GW_CONN_READ_BYTES)
        gw_transport_flush(&conn->transport);
}

static void on_response_end(struct gw_exchange *exchange) {
    run(conn_of_exchange(exchange));
}

static void on_response_broken(struct gw_exchange *exchange) {
    struct gw_conn *conn = conn_of_exchange(exchange);
    conn->is_broken = true;
    run(conn);
}

static void on_body_wanted(struct gw_exchange *exchange, bool wanted) {
    struct gw_conn *conn = conn_of_exchange(exchange);
    conn->is_body_wanted = wanted;
    conn->needs_rearm = true;
    if (wanted)
        run(conn);
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

// Asked once the peer is known for good.
static bool claim_address(struct gw_conn *conn) {
    return conn->kind != GW_CONN_CLIENT || gw_peer_claim(&conn->peer, &conn->group->addresses);
}

static void start_exchange(struct gw_conn *conn, const struct gw_http_head *request) {
    gw_exchange_start(&conn->exchange, request);
    gw_peer_name_client(&conn->peer, request);
    conn->has_exchange = true;
    conn->has_served = true;
    conn->is_body_wanted = true;
    conn->is_decided = false;
    conn->is_delay_over = false;
    conn->needs_rearm = true;
    conn->group->services->metrics->requests_total++;
}

static void end_exchange(struct gw_conn *conn) {
    if (!conn->has_exchange)
        return;
    conn->has_exchange = false;
    gw_authz_cancel(&conn->decision);
    gw_access_log_write(&conn->exchange);
    gw_exchange_end(&conn->exchange);
    gw_http_parser_forget(&conn->parser);
}

// The request cannot be gone on with: its handler is dismissed and the client told, if that is
// still possible.
static void cut_short(struct gw_conn *conn, enum gw_error error, const char *message) {
    struct gw_exchange *exchange = &conn->exchange;
    exchange->body_complete = false;
    gw_handlers_dismiss(exchange);
    if (exchange->phase == GW_RESPONSE_NONE)
        gw_exchange_fail(exchange, error, message);
    else
        gw_exchange_break(exchange);
}

// ---- reading a request ----

static enum gw_http_event feed(struct gw_conn *conn) {
    return gw_input_feed(&conn->input, &conn->parser);
}

// Who goes on trying tokens over its budget waits for each refusal: its connections are busy with
// that instead of with more. The connections of a proxy are not its own, whether it says whose they
// are or not, so a proxy waits for nothing.
static bool is_refused_late(const struct gw_conn *conn) {
    return conn->decision.is_unseen && !conn->peer.is_trusted && !conn->is_delay_over;
}

static enum conn_state act_on_verdict(struct gw_conn *conn) {
    if (is_refused_late(conn))
        return STATE_DELAY;
    if (conn->decision.verdict != GW_VERDICT_ALLOW) {
        gw_authz_refuse(&conn->decision);
        return STATE_HANDLE;
    }
    gw_handlers_start(&conn->exchange);
    // A request without a body ended before there was a handler to be told.
    if (conn->exchange.body_complete && conn->exchange.phase == GW_RESPONSE_NONE)
        gw_handlers_end_body(&conn->exchange);
    return STATE_HANDLE;
}

static void on_decided(struct gw_decision *decision) {
    struct gw_conn *conn = gw_container_of(decision, struct gw_conn, decision);
    conn->is_decided = true;
    run(conn);
}

static enum conn_state begin_request(struct gw_conn *conn) {
    struct gw_exchange *exchange = &conn->exchange;
    const struct gw_http_head *request = conn->parser.head;
    start_exchange(conn, request);
    if (!request->is_chunked && request->content_length == 0) {
        enum gw_http_event event = feed(conn);
        gw_assert(event == GW_HTTP_END);
        exchange->body_complete = true;
    }
    if (conn->kind == GW_CONN_ADMIN) {
        gw_admin_start(exchange);
        return STATE_HANDLE;
    }
    if (!gw_handlers_match(exchange))
        return STATE_HANDLE;
    if (!gw_authz_start(&conn->decision, exchange, &exchange->match, on_decided))
        return STATE_DECIDE;
    return act_on_verdict(conn);
}

static enum conn_state refuse_head(struct gw_conn *conn) {
    const struct gw_refusal *failure = gw_http_parser_failure(&conn->parser);
    start_exchange(conn, NULL);
    gw_exchange_refuse(&conn->exchange, failure);
    return STATE_HANDLE;
}

// ---- steps ----

static enum conn_state step_open(struct gw_conn *conn) {
    return conn->is_open ? STATE_HEAD : STATE_OPEN;
}

// Between requests nothing is owed to the client but a farewell, and nothing it sent can be lost.
static enum conn_state leave_idle(struct gw_conn *conn) {
    if (gw_transport_pending_bytes(&conn->transport) > 0)
        return STATE_LINGER;
    gw_transport_shutdown(&conn->transport);
    return STATE_CLOSE;
}

static enum conn_state step_head(struct gw_conn *conn) {
    bool is_idle = gw_input_is_empty(&conn->input) && !gw_http_parser_in_message(&conn->parser);
    if (conn->is_ended && gw_input_is_empty(&conn->input))
        return leave_idle(conn); // answers a close_notify with ours (RFC 8446 section 6.1)
    if (is_idle && conn->group->services->is_draining)
        return leave_idle(conn);
    if (gw_input_is_empty(&conn->input) ||
        gw_transport_pending_bytes(&conn->transport) > GW_CONN_WRITE_HIGH_WATER_BYTES)
        return STATE_HEAD;
    switch (feed(conn)) {
    case GW_HTTP_HEAD:
        return begin_request(conn);
    case GW_HTTP_FAILED:
        return refuse_head(conn);
    case GW_HTTP_WANT_INPUT:
    case GW_HTTP_END:
    default:
        return STATE_HEAD;
    }
}

static enum conn_state step_decide(struct gw_conn *conn) {
    return conn->is_decided ? act_on_verdict(conn) : STATE_DECIDE;
}

static enum conn_state step_delay(struct gw_conn *conn) {
    return conn->is_delay_over ? act_on_verdict(conn) : STATE_DELAY;
}

// Feeds the body to the handler, as long as there is some and it is wanted.
static void read_body(struct gw_conn *conn) {
    struct gw_exchange *exchange = &conn->exchange;
    while (!gw_input_is_empty(&conn->input) && conn->is_body_wanted && !exchange->body_complete &&
           exchange->phase != GW_RESPONSE_DONE) {
        size_t left = conn->input.unread.length;
        enum gw_http_event event = feed(conn);
        conn->body_bytes += left - conn->input.unread.length;
        if (conn->body_bytes >= GW_PROGRESS_BYTES_MIN)
            conn->needs_rearm = true;
        if (event == GW_HTTP_END) {
            gw_handlers_end_body(&conn->exchange);
        } else if (event == GW_HTTP_FAILED) {
            const struct gw_refusal *failure = gw_http_parser_failure(&conn->parser);
            cut_short(conn, failure->error, failure->message);
        }
    }
}

static enum conn_state finish_exchange(struct gw_conn *conn) {
    bool is_last = conn->exchange.close_after || !conn->exchange.body_complete;
    end_exchange(conn);
    if (conn->is_broken)
        return STATE_CLOSE;
    return is_last ? STATE_LINGER : STATE_HEAD;
}

static enum conn_state step_handle(struct gw_conn *conn) {
    struct gw_exchange *exchange = &conn->exchange;
    if (exchange->request != NULL && !exchange->body_complete)
        read_body(conn);
    if (exchange->phase == GW_RESPONSE_DONE)
        return finish_exchange(conn);
    bool is_cut = conn->is_ended && !exchange->body_complete && gw_input_is_empty(&conn->input);
    return is_cut ? STATE_CLOSE : STATE_HANDLE;
}

// The answer is on its way and nothing more will be read: FIN, then wait for the peer's, so that
// unread bytes do not turn into a reset that takes the answer away from it (RFC 9112 section 9.6).
static enum conn_state step_linger(struct gw_conn *conn) {
    gw_input_drop(&conn->input);
    if (!conn->is_shut_down && !conn->is_failed) {
        conn->is_shut_down = true;
        flush_output(conn); // all of it: a flush behind the shutdown would drop what is left
        gw_transport_shutdown(&conn->transport);
    }
    if (conn->is_ended && gw_transport_pending_bytes(&conn->transport) == 0)
        return STATE_CLOSE;
    return STATE_LINGER;
}

static enum conn_state step_close(struct gw_conn *conn) {
    bool would_look_whole = conn->has_exchange && gw_exchange_would_look_whole(&conn->exchange);
    end_exchange(conn);
    gw_deadline_clear(&conn->deadline);
    gw_conn_group_forget_flush(&conn->member);
    if (conn->is_broken || would_look_whole)
        gw_transport_reset(&conn->transport);
    else
        gw_transport_close(&conn->transport);
    return STATE_CLOSE;
}

static void close_now(struct gw_conn *conn) {
    if (conn->state != STATE_CLOSE)
        set_state(conn, STATE_CLOSE);
    run(conn);
}

// ---- callbacks ----

// Whose connection it is was said here, for good: what its requests say of that does not count.
static void on_transport_proxy_header(struct gw_transport *transport,
                                      const struct gw_proxy_header *header) {
    struct gw_conn *conn = conn_of_transport(transport);
    gw_peer_take_header(&conn->peer, header);
    if (!claim_address(conn))
        gw_transport_close(transport);
}

static void on_transport_open(struct gw_transport *transport) {
    struct gw_conn *conn = conn_of_transport(transport);
    conn->is_open = true;
    gw_peer_note_open(&conn->peer, transport);
    if (conn->state == STATE_OPEN)
        run(conn);
}

static void on_transport_read(struct gw_transport *transport, struct gw_str bytes) {
    struct gw_conn *conn = conn_of_transport(transport);
    if (gw_input_begin(&conn->input, bytes) != GW_OK) {
        close_now(conn);
        return;
    }
    advance(conn);
    settle(conn);
}

// A client that has closed its side no longer waits for what the registry may say; our own short
// answers it still gets.
static void on_transport_end(struct gw_transport *transport) {
    struct gw_conn *conn = conn_of_transport(transport);
    const struct gw_route *route = conn->exchange.match.route;
    conn->is_ended = true;
    if (conn->has_exchange && conn->state == STATE_HANDLE && route != NULL &&
        route->target == GW_ROUTE_FORWARD)
        close_now(conn);
    else
        run(conn);
}

static void on_transport_drain(struct gw_transport *transport) {
    struct gw_conn *conn = conn_of_transport(transport);
    conn->needs_rearm = true;
    if (conn->has_exchange &&
        gw_transport_pending_bytes(transport) <= GW_CONN_WRITE_LOW_WATER_BYTES)
        gw_handlers_resume(&conn->exchange);
    run(conn);
}

static void on_transport_error(struct gw_transport *transport, enum gw_status status) {
    struct gw_conn *conn = conn_of_transport(transport);
    if (!conn->is_open)
        gw_peer_note_unopened(&conn->peer);
    if (status != GW_INVALID) {
        close_now(conn);
        return;
    }
    end_exchange(conn);
    conn->is_failed = true;
    set_state(conn, STATE_LINGER);
    run(conn);
}

static void on_transport_closed(struct gw_transport *transport) {
    struct gw_conn *conn = conn_of_transport(transport);
    struct gw_conn_group *group = conn->group;
    end_exchange(conn);
    gw_deadline_clear(&conn->deadline);
    gw_exchange_deinit(&conn->exchange);
    gw_http_parser_deinit(&conn->parser);
    gw_input_deinit(&conn->input);
    gw_peer_release(&conn->peer, &group->addresses);
    gw_conn_group_leave(group, &conn->member);
    free(conn);
}

static void on_request_body(struct gw_http_parser *parser, struct gw_str bytes) {
    struct gw_conn *conn = gw_container_of(parser, struct gw_conn, parser);
    gw_handlers_pass_body(&conn->exchange, bytes);
}

// The client reads, if slowly.
static bool has_write_progress(const struct gw_conn *conn) {
    return gw_transport_acknowledged_bytes(&conn->transport) - conn->progress_mark >=
           GW_PROGRESS_BYTES_MIN;
}

static void on_deadline(struct gw_deadline *deadline) {
    struct gw_conn *conn = gw_container_of(deadline, struct gw_conn, deadline);
    enum gw_deadline_id id = conn->deadline_id;
    conn->deadline_id = GW_DEADLINE_COUNT;
    if (id == GW_DEADLINE_WRITE && has_write_progress(conn)) {
        arm_deadline(conn);
        return;
    }
    if (id == GW_DEADLINE_REST) {
        gw_http_parser_rest(&conn->parser);
        gw_exchange_rest(&conn->exchange);
        arm_deadline(conn);
        return;
    }
    if (id == GW_DEADLINE_REFUSAL) {
        conn->is_delay_over = true;
        run(conn);
        return;
    }
    if (id != GW_DEADLINE_IDLE && id != GW_DEADLINE_LINGER)
        conn->group->services->metrics->timeouts_total++;
    if (id == GW_DEADLINE_HANDSHAKE)
        gw_peer_note_unopened(&conn->peer);
    if (id == GW_DEADLINE_HEAD && gw_http_parser_in_message(&conn->parser)) {
        start_exchange(conn, NULL);
        set_state(conn, STATE_HANDLE);
        gw_exchange_fail(&conn->exchange, GW_ERROR_REQUEST_TIMEOUT,
                         "The header fields did not arrive in time.");
    } else if (id == GW_DEADLINE_BODY) {
        cut_short(conn, GW_ERROR_REQUEST_TIMEOUT, "The body did not arrive in time.");
    } else if (id == GW_DEADLINE_IDLE || id == GW_DEADLINE_HEAD) {
        set_state(conn, leave_idle(conn));
        run(conn);
    } else {
        close_now(conn);
    }
}

// ---- the group's calls ----

static struct gw_conn *conn_of_member(struct gw_group_member *member) {
    return gw_container_of(member, struct gw_conn, member);
}

static void on_flush(struct gw_group_member *member) {
    struct gw_conn *conn = conn_of_member(member);
    flush_output(conn);
    arm_deadline(conn);
}

static void on_drain(struct gw_group_member *member) {
    struct gw_conn *conn = conn_of_member(member);
    if (conn->state == STATE_OPEN)
        close_now(conn);
    else
        run(conn);
}

static void on_close(struct gw_group_member *member) {
    close_now(conn_of_member(member));
}

static const struct gw_group_member_calls member_calls = {
    .on_flush = on_flush, .on_drain = on_drain, .on_close = on_close};

// ---- accepting ----

static const struct gw_transport_events transport_events = {.on_proxy_header =
                                                                on_transport_proxy_header,
                                                            .on_open = on_transport_open,
                                                            .on_read = on_transport_read,
                                                            .on_end = on_transport_end,
                                                            .on_drain = on_transport_drain,
                                                            .on_error = on_transport_error,
                                                            .on_closed = on_transport_closed};

static enum gw_status expect_header(struct gw_conn *conn) {
    if (!conn->peer.needs_header)
        return GW_OK;
    conn->state = STATE_OPEN;
    return gw_transport_expect_proxy_header(&conn->transport);
}

enum gw_status gw_conn_accept(struct gw_conn_group *group, uv_stream_t *listener,
                              struct tls_context *tls, enum gw_conn_kind kind) {
    struct gw_services *services = group->services;
    struct gw_conn *conn = calloc(1, sizeof(*conn));
    if (conn == NULL)
        return GW_NO_MEMORY;
    conn->group = group;
    conn->kind = kind;
    conn->state = tls != NULL ? STATE_OPEN : STATE_HEAD;
    conn->deadline_id = GW_DEADLINE_COUNT;
    gw_input_init(&conn->input);
    gw_deadline_init(&conn->deadline, on_deadline);
    gw_http_parser_init(&conn->parser, GW_HTTP_REQUESTS, on_request_body);
    gw_exchange_init(&conn->exchange, services, &owner_calls);
    gw_peer_init(&conn->peer, &conn->exchange, tls != NULL,
                 kind == GW_CONN_CLIENT && services->config->proxy_protocol);
    gw_conn_group_join(group, &conn->member, &member_calls);
    enum gw_status status = gw_transport_init(&conn->transport, services->loop,
                                              services->transport_shared, tls, &transport_events);
    if (status == GW_OK)
        status = expect_header(conn);
    // Accepted in any case, to be closed: libuv does not listen on with one that nobody takes.
    enum gw_status accepted = gw_transport_accept(&conn->transport, listener);
    if (status == GW_OK)
        status = accepted;
    if (status == GW_OK)
        status = gw_peer_find(&conn->peer, &conn->transport);
    bool is_over = kind == GW_CONN_CLIENT && gw_conn_group_is_over(group);
    if (status != GW_OK || is_over) {
        services->metrics->connections_refused_total++;
        gw_transport_close(&conn->transport);
        return GW_OK;
    }
    if (!claim_address(conn)) {
        gw_transport_close(&conn->transport);
        return GW_OK;
    }
    services->metrics->connections_accepted_total++;
    arm_deadline(conn);
    return GW_OK;
}
