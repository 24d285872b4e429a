// SPDX-License-Identifier: MIT
// The states of a connection, in the order of its life. Steps follow each other until one returns
// its own state, which means waiting. A step starts at most one operation. gw_conn_run() inside a
// running step does nothing: the loop that is under way sees what was stored.
#include "gateway/client/conn.h"

#include "base/log.h"
#include "gateway/api/admin.h"
#include "gateway/client/access_log.h"
#include "gateway/client/deadlines.h"
#include "gateway/client/handlers.h"
#include "gateway/client/output.h"
#include "gateway/net/transport.h"
#include "gateway/settings/metrics.h"

#define X(name, step) static enum gw_conn_state step(struct gw_conn *conn);
GW_CONN_STATES(X)
#undef X

// ---- OPEN ----

static enum gw_conn_state step_open(struct gw_conn *conn) {
    gw_assert(conn->serving == GW_SERVED_NOTHING && conn->phase <= GW_PHASE_OPEN);
    return conn->phase == GW_PHASE_OPENING ? GW_CONN_OPEN : GW_CONN_HEAD;
}

// ---- HEAD ----

// Of keys that have sealed enough, either way: this request is the last.
static void retire_worn(struct gw_conn *conn) {
    if (!gw_transport_is_worn(&conn->transport))
        return;
    conn->exchange.is_last = true;
    gw_log(GW_LOG_INFO, "tls",
           "connection ends with this request, its keys have served long enough peer=%s",
           conn->peer.address);
}

static void start_exchange(struct gw_conn *conn, const struct gw_http_head *request) {
    gw_assert(conn->serving != GW_SERVING);
    gw_idle_exit(&conn->group->idle, &conn->member.idle);
    gw_exchange_start(&conn->exchange, request);
    retire_worn(conn);
    gw_peer_name_client(&conn->peer, request);
    conn->serving = GW_SERVING;
    conn->is_body_wanted = true;
    conn->is_decided = false;
    gw_conn_restart_deadline(conn);
    conn->group->services->metrics->requests_total++;
}

static enum gw_conn_state refuse_head(struct gw_conn *conn) {
    start_exchange(conn, NULL);
    gw_exchange_refuse(&conn->exchange, gw_http_parser_failure(&conn->parser));
    return GW_CONN_HANDLE;
}

// A client over its failed-token budget is refused late, which ties up its connections. A proxy's
// connections are shared by its clients, so a proxy is refused at once.
static bool is_refused_late(const struct gw_conn *conn) {
    return conn->decision.is_unseen && !conn->peer.is_trusted;
}

static enum gw_conn_state answer(struct gw_conn *conn) {
    struct gw_exchange *exchange = &conn->exchange;
    if (conn->decision.verdict != GW_VERDICT_ALLOW) {
        gw_authz_refuse(&conn->decision);
        return GW_CONN_HANDLE;
    }
    gw_handlers_start(exchange);
    // Without a body the request was complete before the handler started.
    if (exchange->body_complete && exchange->phase == GW_RESPONSE_NONE)
        gw_handlers_end_body(exchange);
    return GW_CONN_HANDLE;
}

static enum gw_conn_state act_on_verdict(struct gw_conn *conn) {
    return is_refused_late(conn) ? GW_CONN_DELAY : answer(conn);
}

static void on_decided(struct gw_decision *decision) {
    struct gw_conn *conn = gw_container_of(decision, struct gw_conn, decision);
    gw_assert(conn->state == GW_CONN_DECIDE);
    conn->is_decided = true;
    gw_conn_run(conn);
}

static enum gw_conn_state begin_request(struct gw_conn *conn) {
    struct gw_exchange *exchange = &conn->exchange;
    const struct gw_http_head *request = conn->parser.head;
    start_exchange(conn, request);
    if (!request->is_chunked && request->content_length == 0) {
        enum gw_http_event event = gw_input_feed(&conn->input, &conn->parser);
        gw_assert(event == GW_HTTP_END);
        exchange->body_complete = true;
    }
    if (!gw_conn_is_client(conn)) {
        gw_admin_start(exchange);
        return GW_CONN_HANDLE;
    }
    if (!gw_handlers_match(exchange))
        return GW_CONN_HANDLE;
    if (!gw_authz_start(&conn->decision, exchange, &exchange->match, on_decided))
        return GW_CONN_DECIDE;
    return act_on_verdict(conn);
}

// Between requests nothing is owed to the client but a farewell, and nothing it sent can be lost.
static enum gw_conn_state leave_idle(struct gw_conn *conn) {
    if (gw_transport_pending_bytes(&conn->transport) > 0)
        return GW_CONN_FAREWELL;
    gw_transport_shutdown(&conn->transport);
    return GW_CONN_CLOSE;
}

static enum gw_conn_state expire_head(struct gw_conn *conn) {
    if (!gw_http_parser_in_message(&conn->parser))
        return leave_idle(conn);
    start_exchange(conn, NULL);
    gw_exchange_fail(&conn->exchange, GW_ERROR_REQUEST_TIMEOUT,
                     "The header fields did not arrive in time.");
    return GW_CONN_HANDLE;
}

static enum gw_conn_state step_head(struct gw_conn *conn) {
    gw_assert(conn->serving != GW_SERVING && conn->phase >= GW_PHASE_OPEN);
    bool is_starved = gw_input_is_empty(&conn->input);
    if (conn->is_expired)
        return expire_head(conn);
    if (is_starved && conn->phase == GW_PHASE_ENDED)
        return leave_idle(conn); // answers a close_notify with ours (RFC 8446 section 6.1)
    if (is_starved && conn->is_dismissed && !gw_http_parser_in_message(&conn->parser))
        return leave_idle(conn);
    if (is_starved || gw_transport_pending_bytes(&conn->transport) > GW_CONN_WRITE_HIGH_WATER_BYTES)
        return GW_CONN_HEAD;
    switch (gw_input_feed(&conn->input, &conn->parser)) {
    case GW_HTTP_HEAD:
        return begin_request(conn);
    case GW_HTTP_FAILED:
        return refuse_head(conn);
    case GW_HTTP_WANT_INPUT:
    case GW_HTTP_END:
    default:
        return GW_CONN_HEAD;
    }
}

// ---- DECIDE, DELAY ----

static enum gw_conn_state step_decide(struct gw_conn *conn) {
    gw_assert(conn->serving == GW_SERVING && conn->exchange.phase == GW_RESPONSE_NONE);
    return conn->is_decided ? act_on_verdict(conn) : GW_CONN_DECIDE;
}

static enum gw_conn_state step_delay(struct gw_conn *conn) {
    gw_assert(conn->serving == GW_SERVING && conn->exchange.phase == GW_RESPONSE_NONE);
    gw_assert(conn->decision.verdict != GW_VERDICT_ALLOW);
    return conn->is_expired ? answer(conn) : GW_CONN_DELAY;
}

// ---- HANDLE ----

// The rest of the request does not count: its handler is over, and the client gets an error if that
// is still possible.
static void cut_short(struct gw_conn *conn, enum gw_error error, const char *message) {
    struct gw_exchange *exchange = &conn->exchange;
    exchange->body_complete = false;
    gw_handlers_dismiss(exchange);
    if (exchange->phase == GW_RESPONSE_NONE)
        gw_exchange_fail(exchange, error, message);
    else
        gw_exchange_break(exchange);
}

// Feeds the body to the handler, as long as there is some and it is wanted.
static void read_body(struct gw_conn *conn) {
    struct gw_exchange *exchange = &conn->exchange;
    while (!gw_input_is_empty(&conn->input) && conn->is_body_wanted && !exchange->body_complete &&
           exchange->phase != GW_RESPONSE_DONE) {
        size_t left = conn->input.unread.length;
        enum gw_http_event event = gw_input_feed(&conn->input, &conn->parser);
        conn->body_bytes += left - conn->input.unread.length;
        if (conn->body_bytes >= GW_PROGRESS_BYTES_MIN)
            gw_conn_restart_deadline(conn);
        if (event == GW_HTTP_END) {
            gw_handlers_end_body(exchange);
        } else if (event == GW_HTTP_FAILED) {
            const struct gw_refusal *failure = gw_http_parser_failure(&conn->parser);
            cut_short(conn, failure->error, failure->message);
        }
    }
}

// Of the admin port none: probes would drown the rest.
static void count_time(struct gw_conn *conn) {
    struct gw_exchange *exchange = &conn->exchange;
    struct gw_report_time *whole = &exchange->report.whole;
    gw_report_end_time(whole);
    if (gw_conn_is_client(conn))
        gw_histogram_observe(&exchange->services->metrics->requests[exchange->route_class],
                             whole->took_ns);
}

void gw_conn_end_exchange(struct gw_conn *conn) {
    if (conn->serving != GW_SERVING)
        return;
    conn->serving = GW_SERVED;
    gw_authz_cancel(&conn->decision);
    count_time(conn);
    if (gw_conn_is_client(conn) || conn->group->services->config->access_log_admin)
        gw_access_log_write(&conn->exchange);
    gw_exchange_end(&conn->exchange);
    gw_http_parser_forget(&conn->parser);
}

static enum gw_conn_state step_handle(struct gw_conn *conn) {
    struct gw_exchange *exchange = &conn->exchange;
    gw_assert(conn->serving == GW_SERVING);
    if (conn->is_expired)
        cut_short(conn, GW_ERROR_REQUEST_TIMEOUT, "The body did not arrive in time.");
    else if (exchange->request != NULL && !exchange->body_complete)
        read_body(conn);
    if (exchange->phase == GW_RESPONSE_DONE) {
        bool is_last = exchange->close_after || !exchange->body_complete;
        gw_conn_end_exchange(conn);
        return is_last ? GW_CONN_FAREWELL : GW_CONN_HEAD;
    }
    bool is_cut = conn->phase == GW_PHASE_ENDED && !exchange->body_complete &&
                  gw_input_is_empty(&conn->input);
    return is_cut ? GW_CONN_CLOSE : GW_CONN_HANDLE;
}

// ---- FAREWELL, LINGER, CLOSE ----

// The response is on its way and nothing more will be read: FIN, then wait for the peer's, because
// unread bytes would turn a close into a reset, which takes the response away from the peer (RFC
// 9112 section 9.6).
static enum gw_conn_state step_farewell(struct gw_conn *conn) {
    gw_assert(conn->serving != GW_SERVING && conn->phase < GW_PHASE_FAILED);
    gw_conn_flush(conn); // all of it: behind the shutdown the transport drops what is left
    gw_transport_shutdown(&conn->transport);
    return GW_CONN_LINGER;
}

static enum gw_conn_state step_linger(struct gw_conn *conn) {
    gw_conn_end_exchange(conn); // of a connection that failed
    bool may_go_on = gw_conn_linger_on(conn, conn->input.unread.length);
    gw_input_drop(&conn->input);
    bool is_over =
        conn->phase == GW_PHASE_ENDED && gw_transport_pending_bytes(&conn->transport) == 0;
    return is_over || !may_go_on ? GW_CONN_CLOSE : GW_CONN_LINGER;
}

// The end of a response is missing: within its exchange, or in what was put out and now is dropped.
static bool is_response_cut(const struct gw_conn *conn) {
    return conn->phase == GW_PHASE_BROKEN || gw_output_is_waiting(&conn->output) ||
           (conn->serving == GW_SERVING && gw_exchange_is_cut(&conn->exchange));
}

static enum gw_conn_state step_close(struct gw_conn *conn) {
    bool is_cut = is_response_cut(conn);
    gw_conn_end_exchange(conn);
    gw_deadline_clear(&conn->deadline);
    gw_conn_group_forget_flush(&conn->member);
    gw_conn_group_note_closing(conn->group, &conn->member);
    if (is_cut)
        gw_transport_reset(&conn->transport);
    else
        gw_transport_close(&conn->transport);
    return GW_CONN_CLOSE;
}

// ---- running ----

static void set_state(struct gw_conn *conn, enum gw_conn_state state) {
    static const char *const names[] = {
#define X(name, step) #name,
        GW_CONN_STATES(X)
#undef X
    };
    gw_log(GW_LOG_DEBUG, "conn", "state conn=%p from=%s to=%s", (void *)conn, names[conn->state],
           names[state]);
    conn->state = state;
    conn->is_expired = false;
}

// The step of the state, unless the stream is at its end, which is the same in all states.
static enum gw_conn_state take_step(struct gw_conn *conn) {
    static enum gw_conn_state (*const steps[])(struct gw_conn *) = {
#define X(name, step) step,
        GW_CONN_STATES(X)
#undef X
    };
    if (conn->phase > GW_PHASE_FAILED && conn->state != GW_CONN_CLOSE)
        return GW_CONN_CLOSE;
    if (conn->phase == GW_PHASE_FAILED && conn->state < GW_CONN_LINGER)
        return GW_CONN_LINGER;
    return steps[conn->state](conn);
}

static void advance(struct gw_conn *conn) {
    gw_assert(!conn->is_advancing);
    conn->is_advancing = true;
    for (;;) {
        enum gw_conn_phase phase = conn->phase;
        enum gw_conn_state next = take_step(conn);
        if (next != conn->state)
            set_state(conn, next);
        else if (conn->phase == phase) // otherwise the stream ended inside the step
            break;
    }
    conn->is_advancing = false;
}

void gw_conn_flush(struct gw_conn *conn) {
    gw_conn_group_forget_flush(&conn->member);
    gw_output_flush(&conn->output);
}

static void throttle_input(struct gw_conn *conn) {
    bool is_full = gw_input_is_full(&conn->input);
    if (is_full && !conn->is_input_paused)
        gw_transport_pause(&conn->transport);
    else if (!is_full && conn->is_input_paused)
        gw_transport_resume(&conn->transport);
    conn->is_input_paused = is_full;
}

void gw_conn_run_with(struct gw_conn *conn, struct gw_str bytes) {
    if (gw_input_begin(&conn->input, bytes) != GW_OK)
        conn->phase = GW_PHASE_GONE;
    advance(conn);
    if (gw_input_end(&conn->input) != GW_OK)
        gw_conn_move_on(conn, GW_PHASE_GONE);
    if (gw_transport_is_closing(&conn->transport))
        return;
    if (conn->output.phase == GW_OUTPUT_FRESH)
        gw_conn_flush(conn);
    throttle_input(conn);
    gw_transport_hold(&conn->transport, gw_input_held_bytes(&conn->input));
    gw_conn_arm(conn);
}

void gw_conn_run(struct gw_conn *conn) {
    if (!conn->is_advancing && !gw_transport_is_closing(&conn->transport))
        gw_conn_run_with(conn, GW_STR(""));
}

void gw_conn_move_on(struct gw_conn *conn, enum gw_conn_phase phase) {
    if (phase > conn->phase)
        conn->phase = phase;
    gw_conn_run(conn);
}
