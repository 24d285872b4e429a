// SPDX-License-Identifier: MIT
// The relay between a connection that only takes notes and a registry that plays a script.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/auth/auth.h"
#include "gateway/auth/transfers.h"
#include "gateway/exchange/exchange.h"
#include "gateway/exchange/services.h"
#include "gateway/net/transport.h"
#include "gateway/relay/relay.h"
#include "gateway/settings/config.h"
#include "gateway/upstream/pool.h"
#include "tests/support/scripted_server.h"

#define WATCHDOG_MS 60000
#define SHORT_MS 500 // in which what this process sends to itself surely comes
#define OUTPUT_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define MANY_BYTES ((size_t)16 * 1024 * 1024)

// clang-format off
#define AWAIT_HEAD {.kind = SCRIPT_AWAIT, .text = "\r\n\r\n"}
#define SEND(bytes) {.kind = SCRIPT_SEND, .text = (bytes)}
#define AWAIT(bytes) {.kind = SCRIPT_AWAIT, .text = (bytes)}
#define HOLD {.kind = SCRIPT_HOLD}
#define CLOSE {.kind = SCRIPT_CLOSE}
#define SEND_MANY(bytes) {.kind = SCRIPT_SEND_MANY, .count = (bytes)}
#define END {.kind = SCRIPT_END}
// clang-format on

#define GET "GET /api/v1/public/a HTTP/1.1\r\nHost: h\r\n\r\n"

struct fixture {
    uv_loop_t loop;
    uv_timer_t watchdog;
    struct gw_services services;
    struct gw_auth auth;
    struct gw_config config;
    struct gw_metrics metrics;
    struct gw_deadline_kind kinds[GW_DEADLINE_COUNT];
    struct gw_deadlines deadlines;
    struct scripted_server server;
    char url[64];
    struct gw_http_parser parser;
    struct gw_exchange exchange;
    struct gw_buf output;
    struct gw_buf sent;       // what has left the output
    bool leaves_at_once;      // the client takes each piece
    size_t pretended_pending; // what the connection says is waiting for the client
    bool is_ended, is_broken, is_body_wanted;
    bool is_authorised; // has an identity
};

// ---- what a token has under way, which the linker takes in place of the library's ----

struct gw_transfers {
    struct gw_transfer *transfer; // the one that is among them
    int add_count;
    enum gw_status status;
};

static struct gw_transfers fake;

enum gw_status gw_transfers_add(struct gw_transfers *transfers, struct gw_transfer *transfer,
                                const struct gw_exchange *exchange) {
    transfers->add_count++;
    assert_true(exchange->has_identity);
    if (transfers->status == GW_OK)
        transfers->transfer = transfer;
    return transfers->status;
}

void gw_transfer_remove(struct gw_transfer *transfer) {
    if (fake.transfer == transfer)
        fake.transfer = NULL;
}

// ---- the connection that takes notes ----

static struct fixture *fixture_of(const struct gw_exchange *exchange) {
    return gw_container_of(exchange, struct fixture, exchange);
}

static struct gw_buf *on_output_asked(struct gw_exchange *exchange) {
    return &fixture_of(exchange)->output;
}

static void on_output(struct gw_exchange *exchange) {
    struct fixture *fixture = fixture_of(exchange);
    if (!fixture->leaves_at_once)
        return;
    assert_int_equal(gw_buf_append_str(&fixture->sent, gw_buf_bytes(&fixture->output)), GW_OK);
    gw_buf_clear(&fixture->output);
}

// Back into the output, where the assertions look.
static void recall_sent(struct fixture *fixture) {
    struct gw_buf sent = fixture->sent;
    assert_int_equal(gw_buf_append_str(&sent, gw_buf_bytes(&fixture->output)), GW_OK);
    fixture->sent = fixture->output;
    fixture->output = sent;
}

// As the connection does it: the exchange, and the handler in its arena, end inside the last call
// of the handler.
static void on_response_end(struct gw_exchange *exchange) {
    assert_false(fixture_of(exchange)->is_ended);
    fixture_of(exchange)->is_ended = true;
    gw_exchange_end(exchange);
}

static void on_response_broken(struct gw_exchange *exchange) {
    assert_false(fixture_of(exchange)->is_ended);
    fixture_of(exchange)->is_ended = true;
    fixture_of(exchange)->is_broken = true;
    gw_exchange_end(exchange);
}

static void on_body_wanted(struct gw_exchange *exchange, bool wanted) {
    fixture_of(exchange)->is_body_wanted = wanted;
}

static size_t pending_bytes(const struct gw_exchange *exchange) {
    return fixture_of(exchange)->pretended_pending;
}

static const struct gw_exchange_owner_calls owner_calls = {.output = on_output_asked,
                                                           .on_output = on_output,
                                                           .on_response_end = on_response_end,
                                                           .on_response_broken = on_response_broken,
                                                           .on_body_wanted = on_body_wanted,
                                                           .pending_bytes = pending_bytes};

// ---- set up ----

static void on_watchdog(uv_timer_t *timer) {
    (void)timer;
    fail_msg("nothing happened for too long");
}

static void on_parsed_body(struct gw_http_parser *parser, struct gw_str bytes) {
    (void)parser;
    (void)bytes;
}

static void open_without_upstream(struct fixture *fixture,
                                  const struct script_step *const *scripts) {
    memset(fixture, 0, sizeof(*fixture));
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    assert_int_equal(uv_timer_init(&fixture->loop, &fixture->watchdog), 0);
    assert_int_equal(uv_timer_start(&fixture->watchdog, on_watchdog, WATCHDOG_MS, 0), 0);
    for (int i = 0; i < GW_DEADLINE_COUNT; i++)
        gw_deadline_kind_init(&fixture->kinds[i], 2 * WATCHDOG_MS);
    gw_deadlines_open(&fixture->deadlines, &fixture->loop, fixture->kinds, GW_DEADLINE_COUNT);
    fixture->services.loop = &fixture->loop;
    fixture->services.config = &fixture->config;
    fixture->services.auth = &fixture->auth;
    fixture->services.deadlines = fixture->kinds;
    fixture->services.metrics = &fixture->metrics;
    assert_int_equal(gw_transport_shared_create(&fixture->services.transport_shared), GW_OK);
    scripted_server_open(&fixture->server, &fixture->loop, scripts);
    gw_exchange_init(&fixture->exchange, &fixture->services, &owner_calls);
    gw_http_parser_init(&fixture->parser, GW_HTTP_REQUESTS, on_parsed_body);
    gw_buf_init(&fixture->output, OUTPUT_BYTES_MAX);
    gw_buf_init(&fixture->sent, OUTPUT_BYTES_MAX);
}

static void open_all(struct fixture *fixture, const struct script_step *const *scripts) {
    const char *const texts[] = {fixture->url};
    struct gw_upstream_problem problem;
    open_without_upstream(fixture, scripts);
    (void)snprintf(fixture->url, sizeof(fixture->url), "http://127.0.0.1:%d", fixture->server.port);
    assert_int_equal(
        gw_upstream_create(&fixture->services,
                           &(struct gw_upstream_options){.texts = texts, .text_count = 1},
                           &fixture->services.upstream, &problem),
        GW_OK);
}

static void close_all(struct fixture *fixture) {
    if (!fixture->is_ended)
        gw_exchange_end(&fixture->exchange);
    if (fixture->services.upstream != NULL)
        gw_upstream_close(fixture->services.upstream, NULL);
    scripted_server_close(&fixture->server);
    gw_deadlines_close(&fixture->deadlines, NULL);
    uv_close((uv_handle_t *)&fixture->watchdog, NULL);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    gw_transport_shared_destroy(fixture->services.transport_shared);
    scripted_server_deinit(&fixture->server);
    gw_exchange_deinit(&fixture->exchange);
    gw_http_parser_deinit(&fixture->parser);
    gw_buf_deinit(&fixture->output);
    gw_buf_deinit(&fixture->sent);
}

static void turn(struct fixture *fixture) {
    uv_run(&fixture->loop, UV_RUN_ONCE);
}

static void run_until_ended(struct fixture *fixture) {
    while (!fixture->is_ended)
        turn(fixture);
}

static void run_until_received(struct fixture *fixture, const char *text) {
    for (;;) {
        if (fixture->server.connection_count > 0) {
            struct gw_str bytes = scripted_server_received(&fixture->server, 0);
            if (bytes.length > 0 && memmem(bytes.at, bytes.length, text, strlen(text)) != NULL)
                return;
        }
        turn(fixture);
    }
}

// Parses `text`, a whole head, and gives the request to the relay.
static void start(struct fixture *fixture, const char *text) {
    size_t consumed;
    struct gw_exchange *exchange = &fixture->exchange;
    assert_int_equal(gw_http_parser_feed(&fixture->parser, gw_str_from(text), &consumed),
                     GW_HTTP_HEAD);
    const struct gw_http_head *head = fixture->parser.head;
    gw_exchange_start(exchange, head);
    size_t path_length = gw_str_find(head->target, '?');
    exchange->match.path = gw_str_slice(head->target, 0, path_length);
    if (path_length < head->target.length)
        exchange->match.query = gw_str_slice(head->target, path_length + 1, head->target.length);
    struct gw_ip client;
    assert_int_equal(gw_ip_parse(GW_STR("192.0.2.7"), &client), GW_OK);
    exchange->client = gw_client_at(&client);
    exchange->body_complete = !head->is_chunked && head->content_length == 0;
    exchange->has_identity = fixture->is_authorised;
    fixture->is_body_wanted = true;
    gw_relay_start(exchange);
}

static void give_body(struct fixture *fixture, struct gw_str bytes) {
    struct gw_handler *handler = fixture->exchange.handler;
    handler->calls->on_body(handler, bytes);
}

static void end_body(struct fixture *fixture) {
    struct gw_handler *handler = fixture->exchange.handler;
    fixture->exchange.body_complete = true;
    handler->calls->on_body_end(handler);
}

// ---- what came out ----

static bool output_has(const struct fixture *fixture, const char *text) {
    struct gw_str output = gw_buf_bytes(&fixture->output);
    return output.length > 0 && memmem(output.at, output.length, text, strlen(text)) != NULL;
}

static bool output_ends_with(const struct fixture *fixture, const char *text) {
    struct gw_str output = gw_buf_bytes(&fixture->output);
    size_t length = strlen(text);
    return output.length >= length && memcmp(output.at + output.length - length, text, length) == 0;
}

static void assert_status(const struct fixture *fixture, int status) {
    char line[32];
    (void)snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
    if (!gw_str_starts_with(gw_buf_bytes(&fixture->output), gw_str_from(line)))
        fail_msg("not %d: %.*s", status, GW_STR_ARG(gw_buf_bytes(&fixture->output)));
}

static void assert_failed(const struct fixture *fixture, int status, const char *code) {
    char member[64];
    assert_true(fixture->is_ended);
    assert_false(fixture->is_broken);
    assert_status(fixture, status);
    (void)snprintf(member, sizeof(member), "\"code\":\"%s\"", code);
    assert_true(output_has(fixture, member));
}

// Plays `request`, which has no body, against `script`.
static void relay_once(struct fixture *fixture, const char *request,
                       const struct script_step *script) {
    const struct script_step *const scripts[] = {script, NULL};
    open_all(fixture, scripts);
    start(fixture, request);
    run_until_ended(fixture);
}

// ---- responses ----

static void test_a_response_with_a_length_keeps_it(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT("GET /api/v1/public/a HTTP/1.1\r\nHost: 127.0.0.1:"),
        SEND("HTTP/1.1 200 OK\r\nETag: \"x\"\r\nContent-Length: 2\r\nX-Request-Id: theirs\r\n"
             "Date: today\r\n\r\nok"),
        END};
    struct fixture fixture;
    relay_once(&fixture, GET, script);
    assert_status(&fixture, 200);
    assert_true(output_has(&fixture, "\r\nETag: \"x\"\r\n"));
    assert_true(output_has(&fixture, "\r\nContent-Length: 2\r\n"));
    assert_true(output_has(&fixture, "\r\nDate: today\r\n"));
    assert_false(output_has(&fixture, "theirs"));
    assert_false(output_has(&fixture, "Connection:"));
    assert_true(output_ends_with(&fixture, "\r\n\r\nok"));
    assert_int_equal(fixture.metrics.upstream_requests_total, 1);
    assert_int_equal(fixture.metrics.upstream_failures_total, 0);
    close_all(&fixture);
}

static void test_a_response_of_unknown_length_becomes_chunked(void **state) {
    (void)state;
    static const struct script_step chunked[] = {
        AWAIT_HEAD,
        SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), END};
    static const struct script_step closed[] = {AWAIT_HEAD, SEND("HTTP/1.0 200 OK\r\n\r\nok"),
                                                CLOSE, END};
    static const struct script_step *const variants[] = {chunked, closed};
    for (int i = 0; i < 2; i++) {
        struct fixture fixture;
        relay_once(&fixture, GET, variants[i]);
        assert_status(&fixture, 200);
        assert_false(fixture.is_broken);
        assert_true(output_has(&fixture, "\r\nTransfer-Encoding: chunked\r\n"));
        assert_true(output_ends_with(&fixture, "\r\n\r\n2\r\nok\r\n0\r\n\r\n"));
        close_all(&fixture);
    }
}

static void test_responses_without_body_are_framed_right(void **state) {
    (void)state;
    static const struct {
        const char *request;
        const char *response;
        int status;
        const char *has;
    } cases[] = {
        {"HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n",
         200, "Content-Length: 77"},
        {"HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n",
         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, "HTTP"},
        {GET, "HTTP/1.1 204 No Content\r\n\r\n", 204, "HTTP"},
        {GET, "HTTP/1.1 304 Not Modified\r\nETag: e\r\n\r\n", 304, "ETag: e"},
        {GET, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "Content-Length: 0"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct script_step script[] = {AWAIT_HEAD, SEND(cases[i].response), END};
        struct fixture fixture;
        relay_once(&fixture, cases[i].request, script);
        assert_status(&fixture, cases[i].status);
        assert_false(fixture.is_broken);
        assert_true(output_has(&fixture, cases[i].has));
        assert_false(output_has(&fixture, "Transfer-Encoding"));
        assert_true(output_ends_with(&fixture, "\r\n\r\n"));
        close_all(&fixture);
    }
}

static void test_a_redirect_is_relayed_and_not_followed(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_HEAD,
        SEND("HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n"),
        END};
    struct fixture fixture;
    relay_once(&fixture, GET, script);
    assert_status(&fixture, 302);
    assert_true(output_has(&fixture, "\r\nLocation: http://elsewhere/\r\n"));
    close_all(&fixture);
}

static void test_a_large_response_waits_for_the_client(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_HEAD, SEND("HTTP/1.1 200 OK\r\nContent-Length: 16777216\r\n\r\n"),
        SEND_MANY(MANY_BYTES), END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    open_all(&fixture, scripts);
    start(&fixture, GET);
    fixture.pretended_pending = GW_CONN_WRITE_HIGH_WATER_BYTES + 1;
    const struct scripted_connection *connection = &fixture.server.connections[0];
    size_t sent = 0;
    do {
        sent = connection->sent_bytes;
        for (int i = 0; i < 10; i++)
            uv_run(&fixture.loop, UV_RUN_NOWAIT);
    } while (connection->sent_bytes != sent || sent == 0);
    assert_true(sent < MANY_BYTES);
    assert_true(gw_buf_length(&fixture.output) < 2 * GW_CONN_READ_BYTES);
    fixture.pretended_pending = 0;
    struct gw_handler *handler = fixture.exchange.handler;
    handler->calls->on_writable(handler);
    run_until_ended(&fixture);
    assert_false(fixture.is_broken);
    assert_true(gw_buf_length(&fixture.output) > MANY_BYTES);
    close_all(&fixture);
}

// ---- request bodies ----

static void test_a_body_is_asked_for_once_there_is_a_connection(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT("\r\n\r\n123456"), SEND("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"), END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    open_all(&fixture, scripts);
    start(&fixture, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n");
    assert_false(fixture.is_body_wanted);
    while (!fixture.is_body_wanted)
        turn(&fixture);
    give_body(&fixture, GW_STR("123"));
    give_body(&fixture, GW_STR("456"));
    end_body(&fixture);
    run_until_ended(&fixture);
    assert_status(&fixture, 201);
    close_all(&fixture);
}

#define POST_EXPECTING                                                                             \
    "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n"

static void test_100_continue_is_the_registrys_to_say(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT("Expect: 100-continue\r\n"),
        AWAIT_HEAD,
        HOLD,
        SEND("HTTP/1.1 100 Continue\r\n\r\n"),
        AWAIT("123456"),
        SEND("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"),
        END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    open_all(&fixture, scripts);
    start(&fixture, POST_EXPECTING);
    run_until_received(&fixture, "\r\n\r\n");
    assert_true(fixture.is_body_wanted); // the client need not wait
    assert_int_equal(gw_buf_length(&fixture.output), 0);
    scripted_server_release(&fixture.server, 0);
    while (gw_buf_length(&fixture.output) == 0)
        turn(&fixture);
    assert_true(
        gw_str_equal(gw_buf_bytes(&fixture.output), GW_STR("HTTP/1.1 100 Continue\r\n\r\n")));
    gw_buf_clear(&fixture.output);
    give_body(&fixture, GW_STR("123456"));
    end_body(&fixture);
    run_until_ended(&fixture);
    assert_status(&fixture, 201);
    close_all(&fixture);
}

static void test_a_registry_that_never_says_100_continue_is_waited_for_and_then_not(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT("123456"), SEND("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"), END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    open_all(&fixture, scripts);
    fixture.kinds[GW_DEADLINE_UPSTREAM_CONTINUE].duration_ms = SHORT_MS;
    start(&fixture, POST_EXPECTING);
    while (gw_buf_length(&fixture.output) == 0)
        turn(&fixture);
    assert_true(
        gw_str_equal(gw_buf_bytes(&fixture.output), GW_STR("HTTP/1.1 100 Continue\r\n\r\n")));
    gw_buf_clear(&fixture.output);
    give_body(&fixture, GW_STR("123456"));
    end_body(&fixture);
    run_until_ended(&fixture);
    assert_status(&fixture, 201);
    close_all(&fixture);
}

// Without a connection nobody has seen the head.
static void test_nothing_is_said_for_a_registry_that_is_not_connected(void **state) {
    (void)state;
    const struct script_step *const scripts[] = {NULL};
    struct fixture fixture;
    open_all(&fixture, scripts);
    start(&fixture, POST_EXPECTING);
    assert_true(gw_list_is_empty(&fixture.kinds[GW_DEADLINE_UPSTREAM_CONTINUE].waiting));
    close_all(&fixture);
}

static void test_102_and_103_pass_to_clients_of_http_1_1(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_HEAD,
        SEND("HTTP/1.1 102 Processing\r\n\r\n"
             "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x-hop\r\nX-Hop: 1\r\n"
             "Content-Length: 3\r\nX-Request-Id: theirs\r\n\r\n"
             "HTTP/1.1 104 Upload\r\n\r\n"
             "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        END};
    struct fixture fixture;
    relay_once(&fixture, GET, script);
    assert_true(gw_str_starts_with(gw_buf_bytes(&fixture.output),
                                   GW_STR("HTTP/1.1 102 Processing\r\n\r\n"
                                          "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                                          "HTTP/1.1 200 OK\r\n")));
    close_all(&fixture);
    relay_once(&fixture, "GET /a HTTP/1.0\r\n\r\n", script);
    assert_status(&fixture, 200);
    close_all(&fixture);
}

static void test_a_refusal_of_the_registry_takes_the_place_of_100_continue(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_HEAD, SEND("HTTP/1.1 409 Conflict\r\nContent-Length: 1\r\n\r\nn"), END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    open_all(&fixture, scripts);
    start(&fixture, POST_EXPECTING);
    run_until_ended(&fixture);
    assert_status(&fixture, 409);
    assert_true(output_has(&fixture, "Connection: close\r\n"));
    close_all(&fixture);
}

static void test_a_chunked_body_stays_chunked(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT("\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        SEND("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    open_all(&fixture, scripts);
    start(&fixture, "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    give_body(&fixture, GW_STR("abc")); // read together with the head
    end_body(&fixture);
    run_until_ended(&fixture);
    assert_status(&fixture, 200);
    close_all(&fixture);
}

static void test_an_upload_waits_for_the_registry(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD, HOLD, END};
    const struct script_step *const scripts[] = {script, NULL};
    static char piece[GW_CONN_READ_BYTES];
    struct fixture fixture;
    open_all(&fixture, scripts);
    start(&fixture, "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    run_until_received(&fixture, "\r\n\r\n");
    while (!fixture.is_body_wanted)
        turn(&fixture);
    fixture.server.discards = true;
    size_t sent = 0;
    for (; fixture.is_body_wanted && sent < GW_BODY_FORWARD_BYTES_MAX / 2; sent += sizeof(piece))
        give_body(&fixture, gw_str(piece, sizeof(piece)));
    assert_false(fixture.is_body_wanted);
    scripted_server_release(&fixture.server, 0);
    while (!fixture.is_body_wanted)
        turn(&fixture);
    close_all(&fixture);
}

static void test_an_early_answer_reaches_the_client(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_HEAD, SEND("HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\nno"), END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    open_all(&fixture, scripts);
    start(&fixture, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n");
    give_body(&fixture, GW_STR("123"));
    run_until_ended(&fixture);
    assert_status(&fixture, 409);
    assert_true(output_has(&fixture, "Connection: close"));
    assert_true(output_ends_with(&fixture, "\r\n\r\nno"));
    close_all(&fixture);
}

// ---- refusals and failures ----

static const struct script_step *const no_scripts[] = {NULL};

static void test_without_a_registry_the_answer_is_503(void **state) {
    (void)state;
    struct fixture fixture;
    open_without_upstream(&fixture, no_scripts);
    start(&fixture, GET);
    assert_failed(&fixture, 503, "no_upstream");
    assert_true(output_has(&fixture, "Retry-After: "));
    close_all(&fixture);
}

static void test_a_body_told_too_large_is_refused_without_connecting(void **state) {
    (void)state;
    struct fixture fixture;
    open_all(&fixture, no_scripts);
    start(&fixture, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 104857601\r\n\r\n");
    assert_failed(&fixture, 413, "body_too_large");
    assert_int_equal(fixture.metrics.upstream_connects_total, 0);
    close_all(&fixture);
}

static void test_a_chunked_body_past_the_limit_is_refused_and_cut(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD, END};
    const struct script_step *const scripts[] = {script, NULL};
    static char piece[GW_CONN_READ_BYTES];
    struct fixture fixture;
    open_all(&fixture, scripts);
    fixture.server.discards = false;
    start(&fixture, "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    run_until_received(&fixture, "\r\n\r\n");
    fixture.server.discards = true;
    while (!fixture.is_ended) {
        if (fixture.is_body_wanted)
            give_body(&fixture, gw_str(piece, sizeof(piece)));
        else
            turn(&fixture);
    }
    assert_failed(&fixture, 413, "body_too_large");
    while (!fixture.server.connections[0].saw_end)
        turn(&fixture);
    assert_true(fixture.server.connections[0].received_bytes <= GW_BODY_FORWARD_BYTES_MAX * 2);
    close_all(&fixture);
}

static void test_a_connection_field_that_names_identity_is_refused(void **state) {
    (void)state;
    struct fixture fixture;
    open_all(&fixture, no_scripts);
    start(&fixture, "GET /a HTTP/1.1\r\nHost: h\r\nConnection: X-SkillReg-Org\r\n\r\n");
    assert_failed(&fixture, 400, "bad_request");
    assert_int_equal(fixture.metrics.upstream_requests_total, 0);
    close_all(&fixture);
}

static void test_failures_before_the_head_are_answered(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        int status;
        const char *code;
    } cases[] = {
        {"", 502, "upstream_failed"},
        {"HTTP/1.1 200 OK\r\nContent-Le", 502, "upstream_failed"},
        {"gibberish\r\n\r\n", 502, "upstream_invalid"},
        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", 502, "upstream_invalid"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 502,
         "upstream_invalid"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct script_step script[] = {AWAIT_HEAD, SEND(cases[i].bytes), CLOSE, END};
        struct fixture fixture;
        relay_once(&fixture, GET, script);
        assert_failed(&fixture, cases[i].status, cases[i].code);
        assert_int_equal(fixture.metrics.upstream_failures_total, 1);
        close_all(&fixture);
    }
}

static void test_a_registry_that_is_not_there_is_502(void **state) {
    (void)state;
    struct fixture fixture;
    open_all(&fixture, no_scripts);
    uv_close((uv_handle_t *)&fixture.server.listener, NULL);
    turn(&fixture);
    start(&fixture, GET);
    run_until_ended(&fixture);
    assert_failed(&fixture, 502, "upstream_failed");
    close_all(&fixture);
}

static void test_a_registry_that_does_not_answer_is_504(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD, END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    open_all(&fixture, scripts);
    fixture.kinds[GW_DEADLINE_UPSTREAM_RESPONSE].duration_ms = SHORT_MS;
    start(&fixture, GET);
    run_until_ended(&fixture);
    assert_failed(&fixture, 504, "upstream_timeout");
    close_all(&fixture);
}

static void test_failures_after_the_head_break_the_response(void **state) {
    (void)state;
    static const char *const responses[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
    };
    for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++) {
        const struct script_step script[] = {AWAIT_HEAD, SEND(responses[i]), CLOSE, END};
        const struct script_step *const scripts[] = {script, NULL};
        struct fixture fixture;
        open_all(&fixture, scripts);
        fixture.leaves_at_once = true;
        start(&fixture, GET);
        run_until_ended(&fixture);
        recall_sent(&fixture);
        assert_true(fixture.is_broken);
        assert_status(&fixture, 200);
        assert_false(output_ends_with(&fixture, "0\r\n\r\n"));
        close_all(&fixture);
    }
}

// The head and a piece of the body were written, and wait for the end of the turn.
static void test_a_broken_response_of_which_nothing_has_left_is_502(void **state) {
    (void)state;
    static const char *const responses[] = {
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n",
    };
    static const char *const requests[] = {GET, "GET /a HTTP/1.0\r\n\r\n"};
    for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++) {
        for (size_t version = 0; version < 2; version++) {
            const struct script_step script[] = {AWAIT_HEAD, SEND(responses[i]), END};
            struct fixture fixture;
            relay_once(&fixture, requests[version], script);
            assert_failed(&fixture, 502, "upstream_invalid");
            assert_false(output_has(&fixture, "200 OK"));
            assert_false(output_has(&fixture, "abc"));
            assert_int_equal(fixture.metrics.responses_total[GW_ROUTE_CLASS_NONE][GW_CODE_2XX], 0);
            assert_int_equal(fixture.metrics.responses_total[GW_ROUTE_CLASS_NONE][GW_CODE_5XX], 1);
            close_all(&fixture);
        }
    }
}

static void test_a_head_that_the_client_cannot_be_given_breaks_cleanly(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_HEAD, SEND("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789"), END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    open_all(&fixture, scripts);
    gw_buf_init(&fixture.output, 16); // nothing fits
    start(&fixture, GET);
    run_until_ended(&fixture);
    assert_true(fixture.is_broken);
    close_all(&fixture);
}

static void test_a_body_that_the_client_cannot_be_given_breaks_cleanly(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_HEAD, SEND("HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n"), SEND_MANY(1048576),
        END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    open_all(&fixture, scripts);
    gw_buf_init(&fixture.output, (size_t)70 * 1024);
    start(&fixture, GET);
    run_until_ended(&fixture);
    assert_true(fixture.is_broken);
    close_all(&fixture);
}

static void test_a_client_that_leaves_takes_the_upstream_request_along(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD, END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    open_all(&fixture, scripts);
    start(&fixture, GET);
    run_until_received(&fixture, "\r\n\r\n");
    fixture.is_ended = true;
    gw_exchange_end(&fixture.exchange);
    while (!fixture.server.connections[0].saw_end)
        turn(&fixture);
    assert_int_equal(gw_buf_length(&fixture.output), 0);
    close_all(&fixture);
}

// ---- the end of a token ----

static void open_with_transfers(struct fixture *fixture, const struct script_step *const *scripts) {
    open_all(fixture, scripts);
    fake = (struct gw_transfers){.status = GW_OK};
    fixture->auth.transfers = &fake;
}

// The decision allowed a token.
static void start_with_token(struct fixture *fixture, const char *text) {
    fixture->is_authorised = true;
    start(fixture, text);
}

static void end_token(void) {
    assert_non_null(fake.transfer);
    fake.transfer->on_ended(fake.transfer, &gw_judgement_invalid);
    assert_null(fake.transfer);
}

static void run_until_registry_saw_end(struct fixture *fixture) {
    while (!fixture->server.connections[0].saw_end)
        turn(fixture);
}

static void test_an_upload_whose_token_ends_is_refused_and_never_whole(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD, END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    open_with_transfers(&fixture, scripts);
    start_with_token(&fixture, "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    give_body(&fixture, GW_STR("abc"));
    run_until_received(&fixture, "abc\r\n");
    end_token();
    assert_failed(&fixture, 401, "invalid_token");
    assert_true(output_has(&fixture, "Connection: close\r\n"));
    run_until_registry_saw_end(&fixture);
    struct gw_str received = scripted_server_received(&fixture.server, 0);
    assert_null(memmem(received.at, received.length, "0\r\n\r\n", 5));
    close_all(&fixture);
}

// The registry has the whole request by then; its answer is no longer for this client.
static void test_a_request_whose_token_ends_before_the_answer_is_refused(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD, END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    open_with_transfers(&fixture, scripts);
    start_with_token(&fixture, GET);
    run_until_received(&fixture, "\r\n\r\n");
    end_token();
    assert_failed(&fixture, 401, "invalid_token");
    assert_true(output_has(&fixture, "Connection: close\r\n"));
    run_until_registry_saw_end(&fixture);
    close_all(&fixture);
}

static void test_a_download_whose_token_ends_breaks(void **state) {
    (void)state;
    static const char *const responses[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    };
    for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++) {
        const struct script_step script[] = {AWAIT_HEAD, SEND(responses[i]), END};
        const struct script_step *const scripts[] = {script, NULL};
        struct fixture fixture;
        open_with_transfers(&fixture, scripts);
        start_with_token(&fixture, GET);
        while (!output_has(&fixture, "abc"))
            turn(&fixture);
        gw_buf_take(&fixture.output, 1); // it begins to leave
        end_token();
        assert_true(fixture.is_broken);
        assert_int_equal(fixture.metrics.responses_total[GW_ROUTE_CLASS_NONE][GW_CODE_2XX], 1);
        assert_true(output_has(&fixture, "TTP/1.1 200 "));
        assert_false(output_ends_with(&fixture, "0\r\n\r\n"));
        run_until_registry_saw_end(&fixture);
        close_all(&fixture);
    }
}

static void test_what_is_over_is_not_among_the_transfers(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_HEAD, SEND("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    open_with_transfers(&fixture, scripts);
    start_with_token(&fixture, GET);
    assert_non_null(fake.transfer);
    run_until_ended(&fixture);
    assert_null(fake.transfer);
    close_all(&fixture);
}

static void test_without_a_token_nothing_is_kept(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_HEAD, SEND("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    open_with_transfers(&fixture, scripts);
    start(&fixture, GET);
    run_until_ended(&fixture);
    assert_int_equal(fake.add_count, 0);
    close_all(&fixture);
}

static void test_what_could_not_be_found_again_does_not_begin(void **state) {
    (void)state;
    static const struct script_step script[] = {END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    open_with_transfers(&fixture, scripts);
    fake.status = GW_NO_MEMORY;
    start_with_token(&fixture, GET);
    assert_failed(&fixture, 503, "unavailable");
    close_all(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_upload_whose_token_ends_is_refused_and_never_whole),
        cmocka_unit_test(test_a_request_whose_token_ends_before_the_answer_is_refused),
        cmocka_unit_test(test_a_download_whose_token_ends_breaks),
        cmocka_unit_test(test_what_is_over_is_not_among_the_transfers),
        cmocka_unit_test(test_without_a_token_nothing_is_kept),
        cmocka_unit_test(test_what_could_not_be_found_again_does_not_begin),
        cmocka_unit_test(test_a_response_with_a_length_keeps_it),
        cmocka_unit_test(test_a_response_of_unknown_length_becomes_chunked),
        cmocka_unit_test(test_responses_without_body_are_framed_right),
        cmocka_unit_test(test_a_redirect_is_relayed_and_not_followed),
        cmocka_unit_test(test_a_large_response_waits_for_the_client),
        cmocka_unit_test(test_a_body_is_asked_for_once_there_is_a_connection),
        cmocka_unit_test(test_100_continue_is_the_registrys_to_say),
        cmocka_unit_test(test_a_registry_that_never_says_100_continue_is_waited_for_and_then_not),
        cmocka_unit_test(test_nothing_is_said_for_a_registry_that_is_not_connected),
        cmocka_unit_test(test_102_and_103_pass_to_clients_of_http_1_1),
        cmocka_unit_test(test_a_refusal_of_the_registry_takes_the_place_of_100_continue),
        cmocka_unit_test(test_a_chunked_body_stays_chunked),
        cmocka_unit_test(test_an_upload_waits_for_the_registry),
        cmocka_unit_test(test_an_early_answer_reaches_the_client),
        cmocka_unit_test(test_without_a_registry_the_answer_is_503),
        cmocka_unit_test(test_a_body_told_too_large_is_refused_without_connecting),
        cmocka_unit_test(test_a_chunked_body_past_the_limit_is_refused_and_cut),
        cmocka_unit_test(test_a_connection_field_that_names_identity_is_refused),
        cmocka_unit_test(test_failures_before_the_head_are_answered),
        cmocka_unit_test(test_a_registry_that_is_not_there_is_502),
        cmocka_unit_test(test_a_registry_that_does_not_answer_is_504),
        cmocka_unit_test(test_failures_after_the_head_break_the_response),
        cmocka_unit_test(test_a_broken_response_of_which_nothing_has_left_is_502),
        cmocka_unit_test(test_a_head_that_the_client_cannot_be_given_breaks_cleanly),
        cmocka_unit_test(test_a_body_that_the_client_cannot_be_given_breaks_cleanly),
        cmocka_unit_test(test_a_client_that_leaves_takes_the_upstream_request_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
