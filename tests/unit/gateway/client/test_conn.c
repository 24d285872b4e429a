// SPDX-License-Identifier: MIT
// A connection between a transport, a decision and a handler that only do what the test says: bytes
// in, bytes out, no socket, and deadlines that pass when the test wants them to. The functions
// below stand in for the library's, which the linker leaves out for that.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "gateway/api/admin.h"
#include "gateway/client/accept.h"
#include "gateway/client/deadlines.h"
#include "gateway/client/handlers.h"
#include "gateway/client/output.h"
#include "gateway/net/transport.h"
#include "gateway/net/transport_log.h"
#include "gateway/net/transport_peer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define GET "GET /forward HTTP/1.1\r\nHost: h\r\n\r\n"
#define GET_OWN "GET /own HTTP/1.1\r\nHost: h\r\n\r\n"
#define GET_1_0 "GET /forward HTTP/1.0\r\nHost: h\r\n\r\n"
#define POST_HEAD "POST /forward HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n"
#define HALF_HEAD "GET /forward HTTP/1.1\r\nHo"

enum end { END_NONE, END_CLOSED, END_RESET };

// Of the transport: what the connection did with it.
struct wire {
    struct gw_transport *transport; // NULL: it has closed
    struct gw_buf sent;             // taken by the peer
    bool is_stuck;                  // the peer takes nothing
    size_t ticket_bytes;            // of TLS, which wait for the next flush
    uint64_t acknowledged;
    bool is_shut_down;
    bool is_paused;
    bool is_worn;
    bool has_hung_up;
    bool is_over;
    bool has_unread;
    enum end end;
};

struct fixture {
    uv_loop_t loop;
    struct gw_config config;
    struct gw_metrics metrics;
    struct gw_services services;
    struct gw_deadline_kind kinds[GW_DEADLINE_COUNT];
    struct gw_conn_group group;
    int drained_count;
    struct wire wire;
    // The decision.
    struct gw_decision *pending; // not decided yet
    bool is_decided_late;
    enum gw_verdict verdict;
    bool is_refused_late;
    // The handler.
    struct gw_handler handler;
    struct gw_exchange *exchange; // of the request that is handled
    struct gw_buf body;
    int start_count, body_end_count, writable_count, over_count;
    bool fails_in_body; // the transport, while the handler takes a body
};

static struct fixture *the;

// ---- the transport ----

enum gw_status gw_transport_init(struct gw_transport *transport, uv_loop_t *loop,
                                 struct gw_transport_shared *shared, struct tls_context *tls,
                                 const struct gw_transport_events *events) {
    (void)loop, (void)shared, (void)tls;
    *transport = (struct gw_transport){.events = events};
    gw_buf_init(&transport->output, GW_TRANSPORT_OUTPUT_BYTES_MAX);
    the->wire.transport = transport;
    return GW_OK;
}

enum gw_status gw_transport_accept(struct gw_transport *transport, uv_stream_t *listener) {
    (void)transport, (void)listener;
    return GW_OK;
}

enum gw_status gw_transport_expect_proxy_header(struct gw_transport *transport) {
    (void)transport;
    return GW_OK;
}

bool gw_transport_has_unread(const struct gw_transport *transport) {
    (void)transport;
    return the->wire.has_unread;
}

bool gw_transport_is_over(const struct gw_transport *transport, int descriptors_max) {
    (void)transport;
    (void)descriptors_max;
    return the->wire.is_over;
}

enum gw_status gw_transport_peer_address(const struct gw_transport *transport,
                                         struct sockaddr_storage *address) {
    (void)transport;
    if (the->wire.has_hung_up)
        return GW_CLOSED;
    struct sockaddr_in ip = {.sin_family = AF_INET};
    inet_pton(AF_INET, "192.0.2.1", &ip.sin_addr);
    memcpy(address, &ip, sizeof(ip));
    return GW_OK;
}

struct gw_buf *gw_transport_output(struct gw_transport *transport) {
    return &transport->output;
}

void gw_transport_flush(struct gw_transport *transport) {
    if (the->wire.is_stuck)
        return;
    the->wire.ticket_bytes = 0;
    if (gw_buf_length(&transport->output) > 0 && !the->wire.is_shut_down)
        assert_int_equal(gw_buf_append_str(&the->wire.sent, gw_buf_bytes(&transport->output)),
                         GW_OK);
    gw_buf_clear(&transport->output);
}

size_t gw_transport_pending_bytes(const struct gw_transport *transport) {
    return gw_buf_length(&transport->output) + the->wire.ticket_bytes;
}

uint64_t gw_transport_acknowledged_bytes(const struct gw_transport *transport) {
    (void)transport;
    return the->wire.acknowledged;
}

void gw_transport_hold(struct gw_transport *transport, size_t bytes) {
    transport->owner_bytes = bytes;
}

bool gw_transport_shared_is_tight(const struct gw_transport_shared *shared) {
    (void)shared;
    return false;
}

void gw_transport_pause(struct gw_transport *transport) {
    (void)transport;
    the->wire.is_paused = true;
}

void gw_transport_resume(struct gw_transport *transport) {
    (void)transport;
    the->wire.is_paused = false;
}

void gw_transport_shutdown(struct gw_transport *transport) {
    (void)transport;
    the->wire.is_shut_down = true;
}

static void end_with(struct gw_transport *transport, enum end end) {
    if (transport->is_closing)
        return;
    transport->is_closing = true;
    the->wire.end = end;
}

void gw_transport_close(struct gw_transport *transport) {
    end_with(transport, END_CLOSED);
}

void gw_transport_reset(struct gw_transport *transport) {
    end_with(transport, END_RESET);
}

bool gw_transport_is_closing(const struct gw_transport *transport) {
    return transport->is_closing;
}

void gw_transport_log_failure(struct gw_transport *transport, const char *side, const char *address,
                              const char *otherwise) {
    (void)transport, (void)address, (void)otherwise;
    assert_string_equal(side, "client");
}

bool gw_transport_is_worn(const struct gw_transport *transport) {
    (void)transport;
    return the->wire.is_worn;
}

struct gw_str tls_session_client_names(const struct tls_session *session) {
    (void)session;
    return gw_str(NULL, 0);
}

struct gw_str tls_session_client_subject(const struct tls_session *session) {
    (void)session;
    return GW_STR("CN=client");
}

bool tls_session_is_resumed(const struct tls_session *session) {
    (void)session;
    return false;
}

// ---- the decision ----

static void set_verdict(struct gw_decision *decision) {
    decision->verdict = the->verdict;
    decision->is_unseen = the->is_refused_late;
}

bool gw_authz_start(struct gw_decision *decision, struct gw_exchange *exchange,
                    const struct gw_route_match *match,
                    void (*on_decided)(struct gw_decision *decision)) {
    assert_ptr_equal(match, &exchange->match);
    decision->exchange = exchange;
    decision->on_decided = on_decided;
    if (the->is_decided_late)
        the->pending = decision;
    else
        set_verdict(decision);
    return !the->is_decided_late;
}

void gw_authz_cancel(struct gw_decision *decision) {
    if (the->pending == decision)
        the->pending = NULL;
}

void gw_authz_refuse(const struct gw_decision *decision) {
    assert_int_not_equal(decision->verdict, GW_VERDICT_ALLOW);
    gw_exchange_fail(decision->exchange, GW_ERROR_INVALID_TOKEN, "Refused.");
}

static void decide(enum gw_verdict verdict) {
    struct gw_decision *decision = the->pending;
    assert_non_null(decision);
    the->pending = NULL;
    the->verdict = verdict;
    set_verdict(decision);
    decision->on_decided(decision);
}

// ---- the handler ----

static void on_over(struct gw_handler *handler) {
    assert_ptr_equal(handler, &the->handler);
    the->exchange = NULL;
    the->over_count++;
}

static const struct gw_handler_calls handler_calls = {.on_over = on_over};

bool gw_handlers_match(struct gw_exchange *exchange) {
    static const struct gw_route forward = {.target = GW_ROUTE_FORWARD};
    static const struct gw_route own = {.target = GW_ROUTE_WHOAMI};
    if (gw_str_equal(exchange->request->target, GW_STR("/nowhere"))) {
        gw_exchange_fail(exchange, GW_ERROR_NOT_FOUND, "Nowhere.");
        return false;
    }
    bool is_own = gw_str_equal(exchange->request->target, GW_STR("/own"));
    exchange->match.route = is_own ? &own : &forward;
    return true;
}

void gw_handlers_start(struct gw_exchange *exchange) {
    assert_null(the->exchange);
    the->start_count++;
    the->exchange = exchange;
    the->handler = (struct gw_handler){.calls = &handler_calls, .exchange = exchange};
    exchange->handler = &the->handler;
}

void gw_handlers_pass_body(struct gw_exchange *exchange, struct gw_str bytes) {
    (void)exchange;
    assert_int_equal(gw_buf_append_str(&the->body, bytes), GW_OK);
    if (the->fails_in_body)
        the->wire.transport->events->on_error(the->wire.transport, GW_SYSTEM);
}

void gw_handlers_end_body(struct gw_exchange *exchange) {
    exchange->body_complete = true;
    the->body_end_count++;
}

void gw_handlers_resume(struct gw_exchange *exchange) {
    (void)exchange;
    the->writable_count++;
}

void gw_handlers_dismiss(struct gw_exchange *exchange) {
    struct gw_handler *handler = exchange->handler;
    exchange->handler = NULL;
    if (handler != NULL)
        on_over(handler);
}

void gw_admin_start(struct gw_exchange *exchange) {
    gw_exchange_respond(exchange, 200, NULL, 0, NULL, GW_STR("admin"));
}

static void respond(const char *body) {
    assert_non_null(the->exchange);
    gw_exchange_respond(the->exchange, 200, NULL, 0, NULL, gw_str_from(body));
}

// ---- set up ----

static int set_up(void **state) {
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    the = fixture;
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    fixture->services.loop = &fixture->loop;
    fixture->services.config = &fixture->config;
    fixture->services.metrics = &fixture->metrics;
    fixture->services.deadlines = fixture->kinds;
    for (int i = 0; i < GW_DEADLINE_COUNT; i++)
        gw_deadline_kind_init(&fixture->kinds[i], 1000);
    gw_buf_init(&fixture->wire.sent, SIZE_MAX);
    gw_buf_init(&fixture->body, SIZE_MAX);
    gw_conn_group_open(&fixture->group, &fixture->services, 1);
    assert_int_equal(gw_idle_init(&fixture->group.idle, 1), GW_OK);
    *state = fixture;
    return 0;
}

static struct gw_conn *conn(void) {
    assert_non_null(the->wire.transport);
    return gw_container_of(the->wire.transport, struct gw_conn, transport);
}

static const struct gw_transport_events *events(void) {
    return the->wire.transport->events;
}

static void accept_one(bool is_tls, enum gw_site site) {
    static char context; // never looked into
    struct tls_context *tls = is_tls ? (struct tls_context *)(void *)&context : NULL;
    assert_int_equal(gw_conn_accept(&the->group, NULL, tls, site), GW_OK);
}

static void receive(const char *bytes) {
    events()->on_read(the->wire.transport, gw_str_from(bytes));
}

// The last handle of the connection has closed.
static void finish_close(void) {
    struct gw_transport *transport = the->wire.transport;
    assert_int_not_equal(the->wire.end, END_NONE);
    gw_buf_deinit(&transport->output);
    the->wire.transport = NULL;
    the->wire.end = END_NONE;
    the->wire.is_shut_down = false;
    transport->events->on_closed(transport);
    assert_null(the->pending);
    assert_null(the->exchange);
}

static void on_group_closed(struct gw_conn_group *group) {
    assert_int_equal(group->open_count, 0);
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    gw_conn_group_close(&fixture->group, on_group_closed);
    if (fixture->wire.transport != NULL)
        finish_close();
    assert_int_equal(fixture->over_count, fixture->start_count);
    assert_int_equal(fixture->metrics.connections_open, 0);
    for (int i = 0; i < GW_DEADLINE_COUNT; i++)
        assert_true(gw_list_is_empty(&fixture->kinds[i].waiting));
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    gw_idle_deinit(&fixture->group.idle);
    gw_buf_deinit(&fixture->wire.sent);
    gw_buf_deinit(&fixture->body);
    test_free(fixture);
    return 0;
}

// The one deadline that is set, or GW_DEADLINE_COUNT.
static enum gw_deadline_id armed(void) {
    enum gw_deadline_id found = GW_DEADLINE_COUNT;
    for (int i = 0; i < GW_DEADLINE_COUNT; i++) {
        if (gw_list_is_empty(&the->kinds[i].waiting))
            continue;
        assert_int_equal(found, GW_DEADLINE_COUNT);
        found = (enum gw_deadline_id)i;
    }
    return found;
}

static void expire(enum gw_deadline_id expected) {
    assert_int_equal(armed(), expected);
    struct gw_list *node = gw_list_pop_front(&the->kinds[expected].waiting);
    struct gw_deadline *deadline = gw_container_of(node, struct gw_deadline, link);
    deadline->on_expired(deadline);
}

// The turn of the loop ends: what handlers answered outside of a read leaves.
static void end_turn(void) {
    uv_ref((uv_handle_t *)&the->group.flusher);
    uv_run(&the->loop, UV_RUN_NOWAIT);
    uv_unref((uv_handle_t *)&the->group.flusher);
}

static void take_all(void) {
    the->wire.is_stuck = false;
    gw_transport_flush(the->wire.transport);
    events()->on_drain(the->wire.transport);
}

static bool has_sent(const char *text) {
    struct gw_str sent = gw_buf_bytes(&the->wire.sent);
    return sent.length > 0 && memmem(sent.at, sent.length, text, strlen(text)) != NULL;
}

static int responses_sent(void) {
    struct gw_str sent = gw_buf_bytes(&the->wire.sent);
    int count = 0;
    const char *at = sent.at;
    while (sent.length > 0 &&
           (at = memmem(at, (size_t)(sent.at + sent.length - at), "HTTP/1.1 ", 9)) != NULL) {
        count++;
        at += 9;
    }
    return count;
}

static void assert_in(enum gw_conn_state state) {
    assert_int_equal(conn()->state, state);
    assert_int_equal(the->wire.end != END_NONE, state == GW_CONN_CLOSE);
}

static void assert_closed(enum end end) {
    assert_in(GW_CONN_CLOSE);
    assert_int_equal(the->wire.end, end);
    assert_int_equal(armed(), GW_DEADLINE_COUNT);
    finish_close();
    assert_int_equal(the->over_count, the->start_count);
}

// A connection in each state in which it can wait.
static void reach(enum gw_conn_state state) {
    accept_one(state == GW_CONN_OPEN, GW_SITE_GATEWAY);
    the->is_decided_late = state == GW_CONN_DECIDE || state == GW_CONN_DELAY;
    the->is_refused_late = state == GW_CONN_DELAY;
    the->verdict = GW_VERDICT_ALLOW;
    switch (state) {
    case GW_CONN_DECIDE:
    case GW_CONN_HANDLE:
        receive(GET);
        break;
    case GW_CONN_DELAY:
        receive(GET);
        decide(GW_VERDICT_LIMITED);
        break;
    case GW_CONN_LINGER:
        receive("nonsense\r\n\r\n");
        break;
    default:
        break;
    }
    the->is_decided_late = the->is_refused_late = false;
    assert_in(state);
}

static const enum gw_conn_state waiting_states[] = {GW_CONN_OPEN,  GW_CONN_HEAD,   GW_CONN_DECIDE,
                                                    GW_CONN_DELAY, GW_CONN_HANDLE, GW_CONN_LINGER};

// ---- one request after another ----

static void test_requests_are_answered_in_order_one_at_a_time(void **state) {
    (void)state;
    accept_one(false, GW_SITE_GATEWAY);
    receive(GET GET_OWN GET);
    for (int i = 1; i <= 3; i++) {
        assert_in(GW_CONN_HANDLE);
        assert_int_equal(the->start_count, i);
        respond(i == 2 ? "two" : "odd");
        end_turn();
        assert_int_equal(responses_sent(), i);
    }
    assert_in(GW_CONN_HEAD);
    assert_true(has_sent("two"));
    assert_int_equal(the->metrics.requests_total, 3);
}

static void test_a_body_in_pieces_reaches_the_handler(void **state) {
    (void)state;
    accept_one(false, GW_SITE_GATEWAY);
    receive(POST_HEAD "01234");
    assert_int_equal(the->body_end_count, 0);
    receive("56789" GET);
    assert_int_equal(the->body_end_count, 1);
    assert_true(gw_str_equal(gw_buf_bytes(&the->body), GW_STR("0123456789")));
    respond("stored");
    assert_int_equal(the->start_count, 2);
    assert_int_equal(conn()->serving, GW_SERVING);
}

static void test_an_early_refusal_leaves_a_pipeline_unread(void **state) {
    (void)state;
    the->verdict = GW_VERDICT_UNAUTHENTICATED;
    accept_one(false, GW_SITE_GATEWAY);
    receive(POST_HEAD "0123456789" GET);
    assert_in(GW_CONN_LINGER);
    assert_true(has_sent("HTTP/1.1 401 ") && has_sent("Connection: close\r\n"));
    assert_int_equal(responses_sent(), 1);
    assert_int_equal(the->start_count + the->body_end_count, 0);
    assert_true(the->wire.is_shut_down);
    receive(GET); // is dropped
    assert_int_equal(gw_input_kept_bytes(&conn()->input), 0);
    events()->on_end(the->wire.transport);
    assert_closed(END_CLOSED);
    assert_int_equal(the->metrics.requests_total, 1);
}

static void test_a_refusal_without_a_body_keeps_a_pipeline_going(void **state) {
    (void)state;
    the->verdict = GW_VERDICT_UNAUTHENTICATED;
    accept_one(false, GW_SITE_GATEWAY);
    receive(GET "GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n" GET);
    assert_in(GW_CONN_HEAD);
    assert_int_equal(responses_sent(), 3);
    assert_true(has_sent("HTTP/1.1 404 "));
}

static void test_an_answer_before_the_end_of_the_body_is_the_last(void **state) {
    (void)state;
    accept_one(false, GW_SITE_GATEWAY);
    receive(POST_HEAD "01");
    respond("enough");
    assert_in(GW_CONN_LINGER);
    assert_true(has_sent("enough") && the->wire.is_shut_down);
}

static void test_a_decision_that_comes_late_holds_the_pipeline(void **state) {
    (void)state;
    the->is_decided_late = true;
    accept_one(false, GW_SITE_GATEWAY);
    receive(POST_HEAD "01234");
    assert_in(GW_CONN_DECIDE);
    receive("56789" GET);
    assert_in(GW_CONN_DECIDE);
    assert_int_equal(gw_buf_length(&the->body), 0);
    the->is_decided_late = false;
    decide(GW_VERDICT_ALLOW);
    assert_in(GW_CONN_HANDLE);
    assert_int_equal(the->body_end_count, 1);
    respond("late");
    assert_int_equal(the->start_count, 2);
}

static void test_a_late_refusal_waits_for_its_time(void **state) {
    (void)state;
    reach(GW_CONN_DELAY);
    assert_int_equal(responses_sent(), 0);
    expire(GW_DEADLINE_REFUSAL);
    assert_in(GW_CONN_HEAD);
    assert_int_equal(responses_sent(), 1);
    assert_int_equal(the->metrics.timeouts_total, 0);
}

static void test_a_trusted_proxy_is_refused_at_once(void **state) {
    (void)state;
    assert_int_equal(gw_trusted_proxies_parse(GW_STR("192.0.2.1"), &the->config.trusted_proxies),
                     GW_OK);
    the->verdict = GW_VERDICT_LIMITED;
    the->is_refused_late = true;
    accept_one(false, GW_SITE_GATEWAY);
    receive(GET);
    assert_in(GW_CONN_HEAD);
    assert_int_equal(responses_sent(), 1);
}

static void test_input_over_its_bound_pauses_the_transport(void **state) {
    (void)state;
    static char many[GW_CONN_READ_BYTES + 1];
    memset(many, 'x', sizeof(many) - 1);
    reach(GW_CONN_HANDLE);
    receive(many);
    assert_true(the->wire.is_paused);
    respond("first");
    assert_false(the->wire.is_paused); // the rest was no request
}

static void test_the_body_waits_until_the_handler_wants_it(void **state) {
    (void)state;
    accept_one(false, GW_SITE_GATEWAY);
    receive(POST_HEAD "01");
    gw_exchange_want_body(the->exchange, false);
    assert_int_equal(armed(), GW_DEADLINE_COUNT);
    receive("23456789");
    assert_int_equal(gw_buf_length(&the->body), 2);
    gw_exchange_want_body(the->exchange, true);
    assert_int_equal(gw_buf_length(&the->body), 10);
    assert_int_equal(the->body_end_count, 1);
}

static void test_the_admin_port_decides_nothing(void **state) {
    (void)state;
    the->verdict = GW_VERDICT_UNAUTHENTICATED;
    accept_one(false, GW_SITE_ADMIN);
    receive("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_true(has_sent("admin"));
    assert_in(GW_CONN_HEAD);
}

static void test_a_worn_connection_ends_with_its_next_request(void **state) {
    (void)state;
    accept_one(false, GW_SITE_ADMIN);
    receive("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_false(has_sent("Connection: close"));
    the->wire.is_worn = true;
    assert_in(GW_CONN_HEAD); // a request that is on its way is not lost
    receive("GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_true(has_sent("Connection: close"));
    assert_in(GW_CONN_LINGER);
}

// ---- the peer leaves ----

static void test_a_peer_that_resets_closes_each_state(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(waiting_states); i++) {
        reach(waiting_states[i]);
        events()->on_error(the->wire.transport, GW_CLOSED);
        assert_closed(END_CLOSED);
    }
    assert_int_equal(the->metrics.tls_handshakes_total[GW_TLS_FAILED], 1);
}

static void test_an_error_inside_a_step_closes(void **state) {
    (void)state;
    accept_one(false, GW_SITE_GATEWAY);
    the->fails_in_body = true;
    receive(POST_HEAD "01");
    assert_closed(END_CLOSED);
}

static void test_broken_tls_lingers_for_the_peer_in_each_state(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(waiting_states); i++) {
        reach(waiting_states[i]);
        bool was_shut_down = the->wire.is_shut_down;
        events()->on_error(the->wire.transport, GW_INVALID);
        assert_in(GW_CONN_LINGER);
        assert_int_equal(the->wire.is_shut_down, was_shut_down); // the transport does that itself
        assert_int_equal(armed(), GW_DEADLINE_LINGER);
        events()->on_end(the->wire.transport);
        assert_closed(END_CLOSED);
    }
}

static void test_an_end_between_requests_is_answered_with_ours(void **state) {
    (void)state;
    reach(GW_CONN_HEAD);
    events()->on_end(the->wire.transport);
    assert_true(the->wire.is_shut_down);
    assert_closed(END_CLOSED);
}

static void test_an_end_while_deciding_or_delayed_does_not_lose_the_answer(void **state) {
    (void)state;
    reach(GW_CONN_DECIDE);
    events()->on_end(the->wire.transport);
    assert_in(GW_CONN_DECIDE);
    decide(GW_VERDICT_FORBIDDEN);
    assert_int_equal(responses_sent(), 1);
    assert_closed(END_CLOSED);
    reach(GW_CONN_DELAY);
    events()->on_end(the->wire.transport);
    assert_in(GW_CONN_DELAY);
    expire(GW_DEADLINE_REFUSAL);
    assert_int_equal(responses_sent(), 2);
    assert_closed(END_CLOSED);
}

static void test_an_end_while_handling_ends_what_is_forwarded_alone(void **state) {
    (void)state;
    accept_one(false, GW_SITE_GATEWAY);
    receive(GET_OWN);
    events()->on_end(the->wire.transport);
    assert_in(GW_CONN_HANDLE);
    respond("own");
    end_turn();
    assert_true(has_sent("own"));
    if (the->wire.end == END_NONE)
        events()->on_drain(the->wire.transport);
    assert_closed(END_CLOSED);
    reach(GW_CONN_HANDLE);
    events()->on_end(the->wire.transport);
    assert_closed(END_CLOSED);
}

static void test_an_end_within_a_body_closes(void **state) {
    (void)state;
    accept_one(false, GW_SITE_GATEWAY);
    receive("POST /own HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n01");
    events()->on_end(the->wire.transport);
    assert_closed(END_CLOSED);
}

static void test_a_response_that_is_cut_resets(void **state) {
    (void)state;
    reach(GW_CONN_HANDLE);
    gw_exchange_begin(the->exchange, 200, NULL, 0, 10);
    gw_exchange_send(the->exchange, GW_STR("01"));
    gw_exchange_break(the->exchange);
    assert_closed(END_RESET);
}

static void test_a_stream_that_ends_within_a_response_resets(void **state) {
    (void)state;
    static const char *const requests[] = {GET_1_0, GET};
    for (size_t i = 0; i < COUNT(requests); i++) {
        accept_one(false, GW_SITE_GATEWAY);
        receive(requests[i]);
        gw_exchange_begin(the->exchange, 200, NULL, 0, GW_LENGTH_UNKNOWN);
        gw_exchange_send(the->exchange, GW_STR("01"));
        end_turn();
        conn()->member.calls->on_close(&conn()->member);
        assert_closed(END_RESET);
    }
}

// The registry gave all of it, and the client does not take it.
static void test_a_response_whose_end_still_waits_resets(void **state) {
    (void)state;
    accept_one(false, GW_SITE_GATEWAY);
    receive(GET_1_0);
    the->wire.is_stuck = true;
    gw_exchange_begin(the->exchange, 200, NULL, 0, GW_LENGTH_UNKNOWN);
    gw_exchange_send(the->exchange, GW_STR("01"));
    gw_exchange_finish(the->exchange);
    assert_in(GW_CONN_LINGER);
    expire(GW_DEADLINE_WRITE);
    assert_closed(END_RESET);
}

// ---- making room ----

// For another client.
static bool makes_room(void) {
    struct gw_group_member newcomer = {.calls = NULL};
    gw_idle_join(&the->group.idle, &newcomer.idle, 1);
    bool has_made_room = gw_conn_group_make_room(&the->group, &newcomer);
    gw_idle_leave(&the->group.idle, &newcomer.idle);
    return has_made_room;
}

static void test_a_connection_without_a_request_makes_room_in_good_order(void **state) {
    (void)state;
    reach(GW_CONN_HEAD);
    assert_true(makes_room());
    assert_int_equal(the->wire.end, END_CLOSED);
    assert_true(the->wire.is_shut_down);
    assert_false(makes_room());
}

static void test_a_connection_between_requests_makes_room(void **state) {
    (void)state;
    reach(GW_CONN_HANDLE);
    respond("whole");
    end_turn();
    assert_in(GW_CONN_HEAD);
    assert_true(makes_room());
    assert_int_equal(the->wire.end, END_CLOSED);
    assert_true(has_sent("whole"));
}

static void test_a_handshake_makes_room_until_it_begins(void **state) {
    (void)state;
    reach(GW_CONN_OPEN);
    conn()->transport.has_received = true;
    assert_false(makes_room());
    assert_int_equal(the->wire.end, END_NONE);
    gw_transport_close(the->wire.transport);
    finish_close();
    reach(GW_CONN_OPEN);
    assert_true(makes_room());
    assert_int_equal(the->wire.end, END_CLOSED);
}

static void test_a_request_makes_no_room_from_its_first_byte_to_its_last(void **state) {
    (void)state;
    reach(GW_CONN_HEAD);
    the->wire.has_unread = true;
    assert_false(makes_room());
    the->wire.has_unread = false;
    receive(HALF_HEAD);
    assert_false(makes_room());
    receive("st: h\r\n\r\n");
    assert_in(GW_CONN_HANDLE);
    assert_false(makes_room());
    the->wire.is_stuck = true;
    respond("slow");
    end_turn();
    assert_in(GW_CONN_HEAD);
    assert_false(makes_room());
    assert_int_equal(the->wire.end, END_NONE);
}

// ---- the drain ----

static void on_drained(struct gw_conn_group *group) {
    assert_ptr_equal(group, &the->group);
    the->drained_count++;
}

static void drain(void) {
    the->services.is_draining = true;
    gw_conn_group_drain(&the->group, on_drained);
}

static void assert_drains_after_its_response(void);

static bool is_dismissed_in_good_order(void) {
    return conn()->member.calls->on_dismiss(&conn()->member);
}

// Its request may be on its way.
static void test_a_drain_waits_for_the_next_request_and_its_response(void **state) {
    (void)state;
    reach(GW_CONN_HEAD);
    drain();
    assert_in(GW_CONN_HEAD);
    receive(GET);
    respond("last");
    assert_drains_after_its_response();
}

static void test_a_drain_waits_for_the_handshake_and_the_first_request(void **state) {
    (void)state;
    reach(GW_CONN_OPEN);
    drain();
    assert_in(GW_CONN_OPEN);
    events()->on_open(the->wire.transport);
    assert_in(GW_CONN_HEAD);
    receive(GET);
    respond("last");
    assert_drains_after_its_response();
}

static void test_a_connection_without_a_request_is_dismissed_in_good_order(void **state) {
    (void)state;
    reach(GW_CONN_HEAD);
    drain();
    assert_true(is_dismissed_in_good_order());
    assert_true(the->wire.is_shut_down);
    assert_closed(END_CLOSED);
    assert_int_equal(the->drained_count, 1);
}

static void test_a_request_that_is_under_way_is_not_dismissed(void **state) {
    (void)state;
    reach(GW_CONN_HANDLE);
    drain();
    assert_false(is_dismissed_in_good_order());
    assert_in(GW_CONN_HANDLE);
    respond("last");
    assert_drains_after_its_response();
    reach(GW_CONN_HEAD);
    receive(HALF_HEAD);
    assert_false(is_dismissed_in_good_order());
    assert_in(GW_CONN_HEAD);
}

static void assert_drains_after_its_response(void) {
    assert_true(has_sent("Connection: close\r\n"));
    assert_in(GW_CONN_LINGER);
    assert_true(the->wire.is_shut_down);
    events()->on_end(the->wire.transport);
    assert_closed(END_CLOSED);
    assert_int_equal(the->drained_count, 1);
}

static void test_a_drain_while_deciding_waits_for_the_response(void **state) {
    (void)state;
    reach(GW_CONN_DECIDE);
    drain();
    assert_in(GW_CONN_DECIDE);
    decide(GW_VERDICT_ALLOW);
    respond("last");
    assert_drains_after_its_response();
}

static void test_a_drain_while_delayed_waits_for_the_response(void **state) {
    (void)state;
    reach(GW_CONN_DELAY);
    drain();
    assert_in(GW_CONN_DELAY);
    expire(GW_DEADLINE_REFUSAL);
    assert_drains_after_its_response();
}

static void test_a_drain_while_handling_waits_for_the_response(void **state) {
    (void)state;
    reach(GW_CONN_HANDLE);
    drain();
    assert_in(GW_CONN_HANDLE);
    respond("last");
    assert_drains_after_its_response();
}

static void test_a_drain_within_a_head_waits_for_the_request(void **state) {
    (void)state;
    reach(GW_CONN_HEAD);
    receive(HALF_HEAD);
    drain();
    assert_in(GW_CONN_HEAD);
    receive("st: h\r\n\r\n");
    respond("last");
    assert_drains_after_its_response();
}

static void test_a_drain_leaves_lingering_to_its_end(void **state) {
    (void)state;
    reach(GW_CONN_LINGER);
    drain();
    assert_in(GW_CONN_LINGER);
    events()->on_end(the->wire.transport);
    assert_closed(END_CLOSED);
    assert_int_equal(the->drained_count, 1);
}

static void test_closing_the_group_closes_each_state(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(waiting_states); i++) {
        reach(waiting_states[i]);
        conn()->member.calls->on_close(&conn()->member);
        assert_closed(END_CLOSED);
    }
}

// ---- deadlines ----

static void test_a_handshake_out_of_time_closes(void **state) {
    (void)state;
    reach(GW_CONN_OPEN);
    expire(GW_DEADLINE_HANDSHAKE);
    assert_closed(END_CLOSED);
    assert_int_equal(the->metrics.timeouts_total, 1);
    assert_int_equal(the->metrics.tls_handshakes_total[GW_TLS_FAILED], 1);
}

static void test_an_opened_connection_waits_for_its_head(void **state) {
    (void)state;
    reach(GW_CONN_OPEN);
    events()->on_open(the->wire.transport);
    assert_in(GW_CONN_HEAD);
    assert_int_equal(the->metrics.tls_handshakes_total[GW_TLS_FULL], 1);
    expire(GW_DEADLINE_HEAD);
    assert_true(the->wire.is_shut_down);
    assert_int_equal(responses_sent(), 0);
    assert_closed(END_CLOSED);
    assert_int_equal(the->metrics.timeouts_total, 1);
}

static void test_a_head_out_of_time_gets_408(void **state) {
    (void)state;
    reach(GW_CONN_HEAD);
    receive(HALF_HEAD);
    expire(GW_DEADLINE_HEAD);
    assert_in(GW_CONN_LINGER);
    assert_true(has_sent("HTTP/1.1 408 ") && has_sent("Connection: close\r\n"));
    assert_int_equal(the->metrics.timeouts_total, 1);
}

static void test_an_idle_connection_is_trimmed_and_closed_later(void **state) {
    (void)state;
    reach(GW_CONN_HANDLE);
    respond("first");
    end_turn();
    expire(GW_DEADLINE_TRIM);
    assert_null(conn()->parser.block);
    expire(GW_DEADLINE_IDLE);
    assert_true(the->wire.is_shut_down);
    assert_int_equal(responses_sent(), 1);
    assert_closed(END_CLOSED);
    assert_int_equal(the->metrics.timeouts_total, 0);
}

static void test_deciding_has_no_deadline(void **state) {
    (void)state;
    reach(GW_CONN_DECIDE);
    assert_int_equal(armed(), GW_DEADLINE_COUNT);
}

static void test_a_body_out_of_time_gets_408(void **state) {
    (void)state;
    accept_one(false, GW_SITE_GATEWAY);
    receive(POST_HEAD "01");
    expire(GW_DEADLINE_BODY);
    assert_in(GW_CONN_LINGER);
    assert_true(has_sent("HTTP/1.1 408 "));
    assert_int_equal(the->over_count, 1);
    assert_int_equal(the->metrics.timeouts_total, 1);
}

static void test_a_body_out_of_time_cuts_a_response_that_has_begun(void **state) {
    (void)state;
    accept_one(false, GW_SITE_GATEWAY);
    receive(POST_HEAD "01");
    gw_exchange_begin(the->exchange, 200, NULL, 0, 10);
    end_turn();
    expire(GW_DEADLINE_BODY);
    assert_closed(END_RESET);
}

// Which deadline of two runs first: the one that was set before.
static void on_other_expired(struct gw_deadline *deadline) {
    (void)deadline;
    fail();
}

// A client that is told to go on, or reads an answer that came early, need not send meanwhile.
static void test_what_the_client_is_sent_starts_the_deadline_of_its_body_anew(void **state) {
    (void)state;
    struct gw_deadline other;
    gw_deadline_init(&other, on_other_expired);
    accept_one(false, GW_SITE_GATEWAY);
    receive("POST /forward HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
            "Content-Length: 9\r\n\r\n");
    assert_int_equal(armed(), GW_DEADLINE_BODY);
    for (int i = 0; i < 3; i++) {
        gw_deadline_set(&other, &the->kinds[GW_DEADLINE_BODY], 0);
        if (i == 0)
            gw_exchange_continue(the->exchange);
        else if (i == 1)
            gw_exchange_begin(the->exchange, 200, NULL, 0, 10);
        else
            gw_exchange_send(the->exchange, GW_STR("early"));
        end_turn();
        assert_ptr_equal(the->kinds[GW_DEADLINE_BODY].waiting.next, &other.link);
        gw_deadline_clear(&other);
    }
    expire(GW_DEADLINE_BODY);
    assert_closed(END_RESET);
}

static void test_progress_of_a_body_starts_its_deadline_anew(void **state) {
    (void)state;
    static char piece[GW_PROGRESS_BYTES_MIN + 1];
    memset(piece, 'x', sizeof(piece) - 1);
    struct gw_deadline other;
    gw_deadline_init(&other, on_other_expired);
    accept_one(false, GW_SITE_GATEWAY);
    receive("POST /forward HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n01");
    gw_deadline_set(&other, &the->kinds[GW_DEADLINE_BODY], 0);
    receive("2");
    assert_ptr_not_equal(the->kinds[GW_DEADLINE_BODY].waiting.next, &other.link);
    receive(piece);
    assert_ptr_equal(the->kinds[GW_DEADLINE_BODY].waiting.next, &other.link);
    gw_deadline_clear(&other);
    assert_int_equal(armed(), GW_DEADLINE_BODY);
}

static void test_a_response_nobody_takes_is_given_up(void **state) {
    (void)state;
    reach(GW_CONN_HANDLE);
    the->wire.is_stuck = true;
    gw_exchange_begin(the->exchange, 200, NULL, 0, 10);
    end_turn();
    the->wire.acknowledged = GW_PROGRESS_BYTES_MIN;
    expire(GW_DEADLINE_WRITE); // a peer that reads slowly
    assert_in(GW_CONN_HANDLE);
    assert_int_equal(the->metrics.timeouts_total, 0);
    the->wire.acknowledged += GW_PROGRESS_BYTES_MIN - 1;
    expire(GW_DEADLINE_WRITE);
    assert_closed(END_RESET);
    assert_int_equal(the->metrics.timeouts_total, 1);
}

static void test_between_requests_the_last_response_has_its_deadline(void **state) {
    (void)state;
    reach(GW_CONN_HANDLE);
    the->wire.is_stuck = true;
    respond("slow");
    end_turn();
    assert_in(GW_CONN_HEAD);
    assert_int_equal(armed(), GW_DEADLINE_WRITE);
    take_all();
    assert_int_equal(armed(), GW_DEADLINE_TRIM);
}

static void test_lingering_waits_for_the_response_and_then_for_the_peer(void **state) {
    (void)state;
    accept_one(false, GW_SITE_GATEWAY);
    receive(POST_HEAD "01");
    the->wire.is_stuck = true;
    respond("last");
    assert_in(GW_CONN_LINGER);
    assert_int_equal(armed(), GW_DEADLINE_WRITE);
    the->wire.is_shut_down = false; // what was flushed before still leaves
    take_all();
    expire(GW_DEADLINE_LINGER);
    assert_closed(END_CLOSED);
    assert_int_equal(the->metrics.timeouts_total, 0);
}

// Bytes that come start the deadline anew, up to GW_LINGER_TOTAL_MS.
static void test_a_peer_that_goes_on_sending_is_waited_for_within_bounds(void **state) {
    (void)state;
    struct gw_deadline other;
    gw_deadline_init(&other, on_other_expired);
    reach(GW_CONN_LINGER);
    uint64_t begin_ms = the->loop.time;
    for (uint64_t passed_ms = 0; passed_ms < 2 * GW_LINGER_TOTAL_MS; passed_ms += 1000) {
        the->loop.time = begin_ms + passed_ms;
        gw_deadline_set(&other, &the->kinds[GW_DEADLINE_LINGER], 0);
        receive("more of a refused upload");
        bool is_anew = the->kinds[GW_DEADLINE_LINGER].waiting.next == &other.link;
        assert_int_equal(is_anew, passed_ms + GW_LINGER_TIMEOUT_MS <= GW_LINGER_TOTAL_MS);
        gw_deadline_clear(&other);
    }
    expire(GW_DEADLINE_LINGER);
    assert_closed(END_CLOSED);
}

static void test_a_peer_that_sends_without_end_is_left(void **state) {
    (void)state;
    static char piece[64 * 1024 + 1];
    memset(piece, 'x', sizeof(piece) - 1);
    reach(GW_CONN_LINGER);
    for (size_t sent = 0; sent < GW_LINGER_BYTES_MAX; sent += sizeof(piece) - 1) {
        assert_in(GW_CONN_LINGER);
        receive(piece);
    }
    receive(piece);
    assert_closed(END_CLOSED);
}

static void test_bytes_of_a_peer_that_takes_no_response_are_no_progress(void **state) {
    (void)state;
    struct gw_deadline other;
    gw_deadline_init(&other, on_other_expired);
    accept_one(false, GW_SITE_GATEWAY);
    receive(POST_HEAD "01");
    the->wire.is_stuck = true;
    respond("last");
    gw_deadline_set(&other, &the->kinds[GW_DEADLINE_WRITE], 0);
    receive("23");
    assert_ptr_not_equal(the->kinds[GW_DEADLINE_WRITE].waiting.next, &other.link);
    gw_deadline_clear(&other);
    expire(GW_DEADLINE_WRITE);
    assert_closed(END_RESET);
}

static void test_a_drained_transport_wakes_the_handler(void **state) {
    (void)state;
    reach(GW_CONN_HANDLE);
    the->wire.is_stuck = true;
    gw_exchange_begin(the->exchange, 200, NULL, 0, 10);
    end_turn();
    take_all();
    assert_int_equal(the->writable_count, 1);
    assert_int_equal(armed(), GW_DEADLINE_COUNT);
}

// On TLS 1.3 the ticket waits for the first response, to leave together with it.
static void reach_with_ticket(const char *request) {
    accept_one(true, GW_SITE_GATEWAY);
    the->wire.ticket_bytes = 200;
    events()->on_open(the->wire.transport);
    receive(request);
}

static void test_a_ticket_that_waits_has_no_deadline_for_writing(void **state) {
    (void)state;
    reach_with_ticket(GET);
    assert_in(GW_CONN_HANDLE);
    assert_int_equal(armed(), GW_DEADLINE_COUNT);
    the->wire.is_stuck = true;
    respond("first");
    end_turn();
    assert_int_equal(armed(), GW_DEADLINE_WRITE);
}

static void test_a_ticket_that_waits_leaves_the_body_its_deadline(void **state) {
    (void)state;
    reach_with_ticket(POST_HEAD "01");
    expire(GW_DEADLINE_BODY);
    assert_true(has_sent("HTTP/1.1 408 "));
}

static void test_a_ticket_that_waits_leaves_the_head_its_deadline(void **state) {
    (void)state;
    reach_with_ticket(HALF_HEAD);
    expire(GW_DEADLINE_HEAD);
    assert_true(has_sent("HTTP/1.1 408 "));
}

// ---- accepting ----

static void test_one_over_the_limit_is_closed_at_once(void **state) {
    (void)state;
    the->group.count_max = 0;
    accept_one(false, GW_SITE_GATEWAY);
    assert_int_equal(the->wire.end, END_CLOSED);
    assert_int_equal(the->metrics.connections_refused_total, 1);
    assert_int_equal(the->metrics.connections_accepted_total, 0);
    finish_close();
    accept_one(false, GW_SITE_ADMIN); // has no limit
    assert_in(GW_CONN_HEAD);
}

static void test_the_last_descriptors_are_not_for_clients(void **state) {
    (void)state;
    the->wire.is_over = true;
    accept_one(false, GW_SITE_GATEWAY);
    assert_int_equal(the->wire.end, END_CLOSED);
    assert_int_equal(the->metrics.connections_refused_total, 1);
    assert_int_equal(the->metrics.descriptor_shortages_total, 1);
    finish_close();
    accept_one(false, GW_SITE_ADMIN);
    assert_in(GW_CONN_HEAD);
    assert_int_equal(the->metrics.descriptor_shortages_total, 1);
}

static void test_a_client_that_has_hung_up_is_not_refused(void **state) {
    (void)state;
    the->wire.has_hung_up = true;
    accept_one(false, GW_SITE_GATEWAY);
    assert_int_equal(the->wire.end, END_CLOSED);
    assert_int_equal(the->metrics.connections_refused_total, 0);
    assert_int_equal(the->metrics.connections_accepted_total, 1);
}

static void test_a_stranger_on_a_port_for_proxies_is_refused(void **state) {
    (void)state;
    the->config.proxy_protocol = true;
    accept_one(false, GW_SITE_GATEWAY);
    assert_int_equal(the->wire.end, END_CLOSED);
    assert_int_equal(the->metrics.connections_refused_proxy_total, 1);
    assert_int_equal(the->metrics.connections_refused_total, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_requests_are_answered_in_order_one_at_a_time),
        TEST(test_a_body_in_pieces_reaches_the_handler),
        TEST(test_an_early_refusal_leaves_a_pipeline_unread),
        TEST(test_a_refusal_without_a_body_keeps_a_pipeline_going),
        TEST(test_an_answer_before_the_end_of_the_body_is_the_last),
        TEST(test_a_decision_that_comes_late_holds_the_pipeline),
        TEST(test_a_late_refusal_waits_for_its_time),
        TEST(test_a_trusted_proxy_is_refused_at_once),
        TEST(test_input_over_its_bound_pauses_the_transport),
        TEST(test_the_body_waits_until_the_handler_wants_it),
        TEST(test_the_admin_port_decides_nothing),
        TEST(test_a_peer_that_resets_closes_each_state),
        TEST(test_an_error_inside_a_step_closes),
        TEST(test_a_worn_connection_ends_with_its_next_request),
        TEST(test_broken_tls_lingers_for_the_peer_in_each_state),
        TEST(test_an_end_between_requests_is_answered_with_ours),
        TEST(test_an_end_while_deciding_or_delayed_does_not_lose_the_answer),
        TEST(test_an_end_while_handling_ends_what_is_forwarded_alone),
        TEST(test_an_end_within_a_body_closes),
        TEST(test_a_response_that_is_cut_resets),
        TEST(test_a_stream_that_ends_within_a_response_resets),
        TEST(test_a_response_whose_end_still_waits_resets),
        TEST(test_a_connection_without_a_request_makes_room_in_good_order),
        TEST(test_a_connection_between_requests_makes_room),
        TEST(test_a_handshake_makes_room_until_it_begins),
        TEST(test_a_request_makes_no_room_from_its_first_byte_to_its_last),
        TEST(test_a_drain_waits_for_the_next_request_and_its_response),
        TEST(test_a_drain_waits_for_the_handshake_and_the_first_request),
        TEST(test_a_connection_without_a_request_is_dismissed_in_good_order),
        TEST(test_a_request_that_is_under_way_is_not_dismissed),
        TEST(test_a_drain_while_deciding_waits_for_the_response),
        TEST(test_a_drain_while_delayed_waits_for_the_response),
        TEST(test_a_drain_while_handling_waits_for_the_response),
        TEST(test_a_drain_within_a_head_waits_for_the_request),
        TEST(test_a_drain_leaves_lingering_to_its_end),
        TEST(test_closing_the_group_closes_each_state),
        TEST(test_a_handshake_out_of_time_closes),
        TEST(test_an_opened_connection_waits_for_its_head),
        TEST(test_a_head_out_of_time_gets_408),
        TEST(test_an_idle_connection_is_trimmed_and_closed_later),
        TEST(test_deciding_has_no_deadline),
        TEST(test_a_body_out_of_time_gets_408),
        TEST(test_a_body_out_of_time_cuts_a_response_that_has_begun),
        TEST(test_what_the_client_is_sent_starts_the_deadline_of_its_body_anew),
        TEST(test_progress_of_a_body_starts_its_deadline_anew),
        TEST(test_a_response_nobody_takes_is_given_up),
        TEST(test_between_requests_the_last_response_has_its_deadline),
        TEST(test_lingering_waits_for_the_response_and_then_for_the_peer),
        TEST(test_a_peer_that_goes_on_sending_is_waited_for_within_bounds),
        TEST(test_a_peer_that_sends_without_end_is_left),
        TEST(test_bytes_of_a_peer_that_takes_no_response_are_no_progress),
        TEST(test_a_drained_transport_wakes_the_handler),
        TEST(test_a_ticket_that_waits_has_no_deadline_for_writing),
        TEST(test_a_ticket_that_waits_leaves_the_body_its_deadline),
        TEST(test_a_ticket_that_waits_leaves_the_head_its_deadline),
        TEST(test_one_over_the_limit_is_closed_at_once),
        TEST(test_the_last_descriptors_are_not_for_clients),
        TEST(test_a_client_that_has_hung_up_is_not_refused),
        TEST(test_a_stranger_on_a_port_for_proxies_is_refused),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
