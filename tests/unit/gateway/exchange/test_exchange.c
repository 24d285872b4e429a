// SPDX-License-Identifier: MIT
// An exchange whose owner counts its calls, and the bytes of the response compared to the letter.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/exchange/exchange.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define REQUEST_ID "00000000000000ab0000000000000007"
// The fields between the status line and those of the caller.
#define COMMON "Date: " DATE "\r\nX-Request-Id: " REQUEST_ID "\r\n"

struct fixture {
    uv_loop_t loop;
    struct gw_metrics metrics;
    struct gw_config config;
    struct gw_services services;
    struct gw_http_head request;
    struct gw_exchange exchange;
    struct gw_buf output;
    int output_count, end_count, broken_count;
    bool is_body_wanted;
    size_t pending;
};

// ---- the owner ----

static struct fixture *fixture_of(const struct gw_exchange *exchange) {
    return gw_container_of(exchange, struct fixture, exchange);
}

static struct gw_buf *on_output_asked(struct gw_exchange *exchange) {
    return &fixture_of(exchange)->output;
}

static void on_output(struct gw_exchange *exchange) {
    fixture_of(exchange)->output_count++;
}

static void on_response_end(struct gw_exchange *exchange) {
    assert_int_equal(exchange->phase, GW_RESPONSE_DONE);
    fixture_of(exchange)->end_count++;
}

static void on_response_broken(struct gw_exchange *exchange) {
    assert_int_equal(exchange->phase, GW_RESPONSE_DONE);
    fixture_of(exchange)->broken_count++;
}

static void on_body_wanted(struct gw_exchange *exchange, bool wanted) {
    fixture_of(exchange)->is_body_wanted = wanted;
}

static size_t on_pending_asked(const struct gw_exchange *exchange) {
    return fixture_of(exchange)->pending;
}

static const struct gw_exchange_owner_calls owner_calls = {.output = on_output_asked,
                                                           .on_output = on_output,
                                                           .on_response_end = on_response_end,
                                                           .on_response_broken = on_response_broken,
                                                           .on_body_wanted = on_body_wanted,
                                                           .pending_bytes = on_pending_asked};

static int set_up(void **state) {
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    fixture->services.loop = &fixture->loop;
    fixture->services.metrics = &fixture->metrics;
    fixture->services.config = &fixture->config;
    gw_buf_init(&fixture->output, (size_t)1024 * 1024);
    gw_exchange_init(&fixture->exchange, &fixture->services, &owner_calls);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    gw_exchange_deinit(&fixture->exchange);
    gw_buf_deinit(&fixture->output);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    test_free(fixture);
    return 0;
}

// Starts an exchange for a request without a body, at a known time and with a known id.
static struct gw_exchange *start(struct fixture *fixture, llhttp_method_t method,
                                 uint8_t version_minor, bool keep_alive) {
    fixture->request = (struct gw_http_head){
        .method = method, .version_minor = version_minor, .keep_alive = keep_alive};
    fixture->services.request_id_base = 0xab;
    fixture->services.request_id_next = 7;
    gw_exchange_start(&fixture->exchange, &fixture->request);
    memcpy(fixture->services.http_date, DATE, sizeof(fixture->services.http_date));
    fixture->exchange.body_complete = true;
    fixture->output_count = fixture->end_count = fixture->broken_count = 0;
    gw_buf_clear(&fixture->output);
    return &fixture->exchange;
}

static struct gw_exchange *start_get(struct fixture *fixture) {
    return start(fixture, HTTP_GET, 1, true);
}

static void assert_output(struct fixture *fixture, const char *expected) {
    struct gw_str output = gw_buf_bytes(&fixture->output);
    if (!gw_str_equal(output, gw_str_from(expected)))
        fail_msg("\n%.*s\ninstead of\n%s", GW_STR_ARG(output), expected);
    gw_buf_clear(&fixture->output);
}

static void assert_ended(const struct fixture *fixture) {
    assert_int_equal(fixture->end_count, 1);
    assert_int_equal(fixture->broken_count, 0);
}

static void assert_broken(const struct fixture *fixture) {
    assert_int_equal(fixture->end_count, 0);
    assert_int_equal(fixture->broken_count, 1);
}

// ---- the request id ----

// A trusted proxy may name a request, nobody else.
static void test_the_id_of_a_trusted_proxy_is_kept(void **state) {
    struct fixture *fixture = *state;
    struct gw_exchange *exchange = &fixture->exchange;
    fixture->request = (struct gw_http_head){.method = HTTP_GET, .field_count = 1};
    fixture->request.fields[0] = (struct gw_http_field){
        GW_STR("X-Request-Id"), GW_STR("of-the-proxy"), GW_FIELD_X_REQUEST_ID};
    gw_exchange_start(exchange, &fixture->request);
    assert_int_equal(strlen(exchange->request_id), GW_REQUEST_ID_LENGTH);
    gw_exchange_end(exchange);
    exchange->proxy_address = GW_STR("192.0.2.1");
    gw_exchange_start(exchange, &fixture->request);
    assert_string_equal(exchange->request_id, "of-the-proxy");
    gw_exchange_end(exchange);
    fixture->request.fields[0].value = GW_STR("not one");
    gw_exchange_start(exchange, &fixture->request);
    assert_int_equal(strlen(exchange->request_id), GW_REQUEST_ID_LENGTH);
    gw_exchange_end(exchange);
    gw_exchange_start(exchange, NULL);
    assert_int_equal(strlen(exchange->request_id), GW_REQUEST_ID_LENGTH);
    gw_exchange_end(exchange);
}

// ---- whole responses ----

static void test_an_expiry_that_is_near_is_told_with_every_response(void **state) {
    struct fixture *fixture = *state;
    static const char told[] = "SkillReg-Token-Expires: 2026-01-31T12:00:00.000Z\r\n";
    for (int i = 0; i < 3; i++) {
        struct gw_exchange *exchange = start_get(fixture);
        exchange->expires_soon_ms = i < 2 ? 1769860800000 : DB_NO_TIME;
        if (i == 0)
            gw_exchange_fail(exchange, GW_ERROR_ORG_MISMATCH, "x");
        else
            gw_exchange_begin(exchange, 200, NULL, 0, 0);
        struct gw_str output = gw_buf_bytes(&fixture->output);
        const char *at = memmem(output.at, output.length, told, strlen(told));
        assert_int_equal(at != NULL, i < 2);
        gw_exchange_end(exchange);
    }
    assert_true(start_get(fixture)->expires_soon_ms == DB_NO_TIME); // nothing stays from the last
}

#define TRACE "0af7651916cd43dd8448eb211c80319c"

// Its ids are random: a request that nobody asks about takes none of them.
static void test_a_trace_is_begun_when_it_is_first_asked_for(void **state) {
    struct fixture *fixture = *state;
    fixture->services.random = (struct gw_random_sequence){{1, 2, 3, 4}};
    const struct gw_random_sequence unused = fixture->services.random;
    struct gw_exchange *exchange = start_get(fixture);
    gw_exchange_respond(exchange, 204, NULL, 0, NULL, GW_STR(""));
    assert_memory_equal(&fixture->services.random, &unused, sizeof(unused));
    char first[GW_TRACE_PARENT_LENGTH + 1];
    memcpy(first, gw_exchange_trace_parent(exchange).at, sizeof(first));
    assert_string_equal(gw_exchange_trace_parent(exchange).at, first);
    gw_exchange_end(exchange);
    assert_string_not_equal(gw_exchange_trace_parent(start_get(fixture)).at, first);
}

static void test_a_client_that_sent_a_trace_is_told_its_span(void **state) {
    struct fixture *fixture = *state;
    const char *const values[] = {"00-" TRACE "-b7ad6b7169203331-01", "00-none"};
    for (int i = 0; i < 2; i++) {
        struct gw_exchange *exchange = start_get(fixture);
        fixture->request.fields[fixture->request.field_count++] = (struct gw_http_field){
            GW_STR("traceparent"), gw_str_from(values[i]), GW_FIELD_TRACEPARENT};
        gw_exchange_respond(exchange, 204, NULL, 0, NULL, GW_STR(""));
        assert_int_equal(gw_exchange_trace(exchange)->is_of_client, i == 0);
        char expected[256];
        (void)snprintf(expected, sizeof(expected),
                       "HTTP/1.1 204 No Content\r\n" COMMON "%s%s%s\r\n",
                       i == 0 ? "traceparent: " : "",
                       i == 0 ? gw_exchange_trace_parent(exchange).at : "", i == 0 ? "\r\n" : "");
        assert_output(fixture, expected);
        gw_exchange_end(exchange);
    }
}

static void test_a_whole_response_to_the_letter(void **state) {
    struct fixture *fixture = *state;
    const struct gw_response_field fields[] = {{GW_STR("X-One"), GW_STR("1")},
                                               {GW_STR("X-Empty"), GW_STR("")}};
    gw_exchange_respond(start_get(fixture), 201, fields, 2, "text/plain", GW_STR("made"));
    assert_output(fixture, "HTTP/1.1 201 Created\r\n" COMMON "Content-Type: text/plain\r\n"
                           "X-One: 1\r\nX-Empty: \r\nContent-Length: 4\r\n\r\nmade");
    assert_ended(fixture);
    assert_int_equal(fixture->exchange.status, 201);
    assert_int_equal(fixture->exchange.body_bytes, 4);
    assert_true(fixture->output_count > 0);
}

static void test_what_the_limits_say_is_in_every_response_of_its_request_alone(void **state) {
    struct fixture *fixture = *state;
    struct gw_exchange *exchange = start_get(fixture);
    exchange->limit_fields = GW_STR("RateLimit: \"token\";r=1;t=1\r\n");
    gw_exchange_respond(exchange, 204, NULL, 0, NULL, GW_STR(""));
    assert_output(fixture,
                  "HTTP/1.1 204 No Content\r\n" COMMON "RateLimit: \"token\";r=1;t=1\r\n\r\n");
    gw_exchange_end(exchange);
    gw_exchange_respond(start_get(fixture), 204, NULL, 0, NULL, GW_STR(""));
    assert_output(fixture, "HTTP/1.1 204 No Content\r\n" COMMON "\r\n");
}

static void test_head_gets_the_head_alone(void **state) {
    struct fixture *fixture = *state;
    struct gw_exchange *exchange = start(fixture, HTTP_HEAD, 1, true);
    gw_exchange_respond(exchange, 200, NULL, 0, "text/plain", GW_STR("body"));
    assert_output(fixture, "HTTP/1.1 200 OK\r\n" COMMON
                           "Content-Type: text/plain\r\nContent-Length: 4\r\n\r\n");
    assert_ended(fixture);
    assert_int_equal(exchange->body_bytes, 0);
}

static void test_204_has_neither_length_nor_body(void **state) {
    struct fixture *fixture = *state;
    gw_exchange_respond(start_get(fixture), 204, NULL, 0, NULL, GW_STR(""));
    assert_output(fixture, "HTTP/1.1 204 No Content\r\n" COMMON "\r\n");
    gw_exchange_end(&fixture->exchange);
    gw_exchange_begin(start_get(fixture), 204, NULL, 0, GW_LENGTH_UNKNOWN);
    gw_exchange_send(&fixture->exchange, GW_STR("not sent"));
    gw_exchange_finish(&fixture->exchange);
    assert_output(fixture, "HTTP/1.1 204 No Content\r\n" COMMON "\r\n");
    assert_ended(fixture);
}

static void test_304_may_tell_a_length_but_has_no_body(void **state) {
    struct fixture *fixture = *state;
    gw_exchange_begin(start_get(fixture), 304, NULL, 0, 5);
    gw_exchange_send(&fixture->exchange, GW_STR("hello"));
    gw_exchange_finish(&fixture->exchange);
    assert_output(fixture, "HTTP/1.1 304 Not Modified\r\n" COMMON "Content-Length: 5\r\n\r\n");
    assert_ended(fixture);
    gw_exchange_end(&fixture->exchange);
    gw_exchange_begin(start_get(fixture), 304, NULL, 0, GW_LENGTH_UNKNOWN);
    gw_exchange_finish(&fixture->exchange);
    assert_output(fixture, "HTTP/1.1 304 Not Modified\r\n" COMMON "\r\n");
}

static void test_an_unknown_status_has_no_phrase(void **state) {
    struct fixture *fixture = *state;
    gw_exchange_respond(start_get(fixture), 299, NULL, 0, NULL, GW_STR(""));
    assert_output(fixture, "HTTP/1.1 299 \r\n" COMMON "Content-Length: 0\r\n\r\n");
}

// ---- the connection ----

static void test_connection_says_what_becomes_of_it(void **state) {
    struct fixture *fixture = *state;
    static const char close[] = "Connection: close\r\n";
    static const char keep[] = "Connection: keep-alive\r\n";
    static const struct {
        const char *field;
        uint8_t version_minor;
        bool keep_alive;
        bool body_complete;
        bool is_draining;
    } cases[] = {
        {"", 1, true, true, false},     {close, 1, false, true, false},
        {close, 1, true, false, false}, // a body that stays unread
        {close, 1, true, true, true},   {keep, 0, true, true, false},
        {close, 0, false, true, false}, {close, 0, true, false, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char expected[256];
        fixture->services.is_draining = cases[i].is_draining;
        struct gw_exchange *exchange =
            start(fixture, HTTP_GET, cases[i].version_minor, cases[i].keep_alive);
        exchange->body_complete = cases[i].body_complete;
        gw_exchange_respond(exchange, 200, NULL, 0, NULL, GW_STR("x"));
        snprintf(expected, sizeof(expected),
                 "HTTP/1.1 200 OK\r\n" COMMON "Content-Length: 1\r\n%s\r\nx", cases[i].field);
        assert_output(fixture, expected);
        assert_int_equal(exchange->close_after, cases[i].field == close);
        gw_exchange_end(exchange);
    }
}

static void test_a_body_that_has_begun_is_cut_until_it_is_whole(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        uint64_t length;
        llhttp_method_t method;
        uint8_t version_minor;
        bool is_cut;
    } cases[] = {
        {GW_LENGTH_UNKNOWN, HTTP_GET, 0, true},
        {GW_LENGTH_UNKNOWN, HTTP_GET, 1, true},
        {10, HTTP_GET, 0, true},
        {10, HTTP_GET, 1, true},
        {3, HTTP_GET, 1, false},
        {10, HTTP_HEAD, 1, false},
        {GW_LENGTH_UNKNOWN, HTTP_HEAD, 0, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_exchange *exchange =
            start(fixture, cases[i].method, cases[i].version_minor, false);
        assert_false(gw_exchange_is_cut(exchange));
        gw_exchange_begin(exchange, 200, NULL, 0, cases[i].length);
        gw_exchange_send(exchange, GW_STR("abc"));
        assert_int_equal(gw_exchange_is_cut(exchange), cases[i].is_cut);
        gw_exchange_finish(exchange);
        assert_false(gw_exchange_is_cut(exchange));
        gw_exchange_end(exchange);
    }
}

static void test_a_head_that_could_not_be_read_is_answered_and_closed(void **state) {
    struct fixture *fixture = *state;
    start_get(fixture);
    gw_exchange_end(&fixture->exchange);
    fixture->services.request_id_next = 7;
    gw_exchange_start(&fixture->exchange, NULL);
    memcpy(fixture->services.http_date, DATE, sizeof(fixture->services.http_date));
    gw_exchange_fail(&fixture->exchange, GW_ERROR_HEADERS_TOO_LARGE, "Too large.");
    assert_output(fixture,
                  "HTTP/1.1 431 Request Header Fields Too Large\r\n" COMMON
                  "Content-Type: application/json\r\nCache-Control: no-store\r\n"
                  "Content-Length: 61\r\nConnection: close\r\n\r\n"
                  "{\"error\":{\"code\":\"headers_too_large\",\"message\":\"Too large.\"}}");
    assert_ended(fixture);
}

// ---- streamed responses ----

static void test_a_streamed_response_of_known_length(void **state) {
    struct fixture *fixture = *state;
    const struct gw_response_field fields[] = {{GW_STR("Etag"), GW_STR("\"x\"")}};
    struct gw_exchange *exchange = start_get(fixture);
    gw_exchange_begin(exchange, 200, fields, 1, 10);
    assert_output(fixture,
                  "HTTP/1.1 200 OK\r\n" COMMON "Etag: \"x\"\r\nContent-Length: 10\r\n\r\n");
    gw_exchange_send(exchange, GW_STR("hello"));
    gw_exchange_send(exchange, GW_STR(""));
    gw_exchange_send(exchange, GW_STR("world"));
    assert_output(fixture, "helloworld");
    assert_int_equal(fixture->end_count, 0);
    gw_exchange_finish(exchange);
    assert_output(fixture, "");
    assert_ended(fixture);
    assert_int_equal(exchange->body_bytes, 10);
}

static void test_a_streamed_response_of_unknown_length_is_chunked(void **state) {
    struct fixture *fixture = *state;
    struct gw_exchange *exchange = start_get(fixture);
    gw_exchange_begin(exchange, 200, NULL, 0, GW_LENGTH_UNKNOWN);
    gw_exchange_send(exchange, GW_STR("hello world, hello"));
    gw_exchange_send(exchange, GW_STR("")); // would end the body
    gw_exchange_send(exchange, GW_STR("!"));
    gw_exchange_finish(exchange);
    assert_output(fixture, "HTTP/1.1 200 OK\r\n" COMMON "Transfer-Encoding: chunked\r\n\r\n"
                           "12\r\nhello world, hello\r\n1\r\n!\r\n0\r\n\r\n");
    assert_ended(fixture);
    assert_false(exchange->close_after);
}

static void test_on_1_0_an_unknown_length_ends_by_close(void **state) {
    struct fixture *fixture = *state;
    struct gw_exchange *exchange = start(fixture, HTTP_GET, 0, true);
    gw_exchange_begin(exchange, 200, NULL, 0, GW_LENGTH_UNKNOWN);
    gw_exchange_send(exchange, GW_STR("hello"));
    gw_exchange_finish(exchange);
    assert_output(fixture, "HTTP/1.1 200 OK\r\n" COMMON "Connection: close\r\n\r\nhello");
    assert_ended(fixture);
    assert_true(exchange->close_after);
}

static void test_a_streamed_answer_to_head(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        uint64_t length;
        const char *field;
    } cases[] = {
        {10, "Content-Length: 10\r\n"}, {GW_LENGTH_UNKNOWN, ""}, {0, "Content-Length: 0\r\n"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char expected[256];
        struct gw_exchange *exchange = start(fixture, HTTP_HEAD, 1, true);
        gw_exchange_begin(exchange, 200, NULL, 0, cases[i].length);
        gw_exchange_send(exchange, GW_STR("hello"));
        gw_exchange_finish(exchange);
        snprintf(expected, sizeof(expected), "HTTP/1.1 200 OK\r\n" COMMON "%s\r\n", cases[i].field);
        assert_output(fixture, expected);
        assert_ended(fixture);
        assert_false(exchange->close_after);
        gw_exchange_end(exchange);
    }
}

static void test_the_date_of_the_registry_is_kept(void **state) {
    struct fixture *fixture = *state;
    const struct gw_response_field fields[] = {
        {GW_STR("dAtE"), GW_STR("Mon, 07 Nov 1994 08:49:37 GMT")}};
    gw_exchange_begin(start_get(fixture), 200, fields, 1, 0);
    assert_output(fixture, "HTTP/1.1 200 OK\r\nX-Request-Id: " REQUEST_ID "\r\n"
                           "dAtE: Mon, 07 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n");
}

static void test_a_body_longer_than_told_breaks(void **state) {
    struct fixture *fixture = *state;
    struct gw_exchange *exchange = start_get(fixture);
    gw_exchange_begin(exchange, 200, NULL, 0, 5);
    gw_exchange_send(exchange, GW_STR("hell"));
    gw_buf_clear(&fixture->output);
    gw_exchange_send(exchange, GW_STR("o!"));
    assert_broken(fixture);
    assert_output(fixture, ""); // not even the part that would fit
    gw_exchange_send(exchange, GW_STR("x"));
    gw_exchange_finish(exchange);
    gw_exchange_break(exchange);
    assert_broken(fixture);
    assert_output(fixture, "");
}

static void test_a_body_shorter_than_told_breaks(void **state) {
    struct fixture *fixture = *state;
    struct gw_exchange *exchange = start_get(fixture);
    gw_exchange_begin(exchange, 200, NULL, 0, 5);
    gw_exchange_send(exchange, GW_STR("hell"));
    gw_exchange_finish(exchange);
    assert_broken(fixture);
}

// With what was there before it, and what the next response then says of itself.
static void test_a_response_that_has_not_left_is_taken_back(void **state) {
    struct fixture *fixture = *state;
    for (uint8_t version_minor = 0; version_minor < 2; version_minor++) {
        struct gw_exchange *exchange = start(fixture, HTTP_GET, version_minor, true);
        assert_int_equal(gw_buf_append_str(&fixture->output, GW_STR("earlier ")), GW_OK);
        gw_exchange_begin(exchange, 200, NULL, 0, GW_LENGTH_UNKNOWN);
        gw_exchange_send(exchange, GW_STR("abc"));
        assert_true(gw_exchange_take_back(exchange));
        gw_exchange_respond(exchange, 502, NULL, 0, NULL, GW_STR("sorry"));
        assert_output(fixture, version_minor == 1
                                   ? "earlier HTTP/1.1 502 Bad Gateway\r\n" COMMON
                                     "Content-Length: 5\r\n\r\nsorry"
                                   : "earlier HTTP/1.1 502 Bad Gateway\r\n" COMMON
                                     "Content-Length: 5\r\nConnection: keep-alive\r\n\r\nsorry");
        assert_ended(fixture);
        assert_int_equal(exchange->status, 502);
        assert_int_equal(exchange->body_bytes, 5);
        assert_false(gw_exchange_take_back(exchange));
    }
    assert_int_equal(fixture->metrics.responses_total[GW_ROUTE_CLASS_NONE][GW_CODE_2XX], 0);
    assert_int_equal(fixture->metrics.responses_total[GW_ROUTE_CLASS_NONE][GW_CODE_5XX], 2);
}

static void test_a_response_that_has_begun_to_leave_stays(void **state) {
    struct fixture *fixture = *state;
    struct gw_exchange *exchange = start_get(fixture);
    gw_exchange_begin(exchange, 200, NULL, 0, 3);
    gw_buf_take(&fixture->output, 1);
    gw_exchange_send(exchange, GW_STR("abc"));
    assert_false(gw_exchange_take_back(exchange));
    gw_exchange_finish(exchange);
    assert_output(fixture, "TTP/1.1 200 OK\r\n" COMMON "Content-Length: 3\r\n\r\nabc");
}

static void test_break_never_ends_a_chunked_body(void **state) {
    struct fixture *fixture = *state;
    struct gw_exchange *exchange = start_get(fixture);
    gw_exchange_begin(exchange, 200, NULL, 0, GW_LENGTH_UNKNOWN);
    gw_exchange_send(exchange, GW_STR("x"));
    gw_buf_clear(&fixture->output);
    gw_exchange_break(exchange);
    gw_exchange_break(exchange);
    assert_output(fixture, "");
    assert_broken(fixture);
}

static void test_a_response_that_finds_no_memory_breaks(void **state) {
    struct fixture *fixture = *state;
    gw_buf_deinit(&fixture->output);
    gw_buf_init(&fixture->output, 64);
    gw_exchange_respond(start_get(fixture), 200, NULL, 0, NULL, GW_STR(""));
    assert_broken(fixture);
}

// ---- 100 Continue ----

#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

static struct gw_exchange *start_expecting(struct fixture *fixture) {
    struct gw_exchange *exchange = start(fixture, HTTP_POST, 1, true);
    fixture->request.expects_continue = true;
    exchange->body_complete = false;
    return exchange;
}

static void test_100_continue_is_sent_once(void **state) {
    struct fixture *fixture = *state;
    struct gw_exchange *exchange = start_expecting(fixture);
    gw_exchange_continue(exchange);
    gw_exchange_continue(exchange);
    assert_output(fixture, CONTINUE);
    assert_int_equal(fixture->output_count, 1);
    exchange->body_complete = true;
    gw_exchange_respond(exchange, 204, NULL, 0, NULL, GW_STR(""));
    assert_output(fixture, "HTTP/1.1 204 No Content\r\n" COMMON "\r\n");
}

static void test_100_continue_is_not_sent_when_nobody_waits_for_it(void **state) {
    struct fixture *fixture = *state;
    struct gw_exchange *exchange = start_expecting(fixture);
    fixture->request.expects_continue = false;
    gw_exchange_continue(exchange);
    assert_output(fixture, "");
    gw_exchange_end(exchange);
    exchange = start_expecting(fixture);
    exchange->body_complete = true; // it came without waiting
    gw_exchange_continue(exchange);
    assert_output(fixture, "");
    gw_exchange_end(exchange);
    exchange = start_expecting(fixture);
    gw_exchange_begin(exchange, 200, NULL, 0, 0);
    gw_buf_clear(&fixture->output);
    gw_exchange_continue(exchange);
    assert_output(fixture, "");
    gw_exchange_end(exchange);
    gw_exchange_start(exchange, NULL);
    gw_exchange_continue(exchange);
    assert_output(fixture, "");
}

static void test_100_continue_is_sent_again_for_the_next_request(void **state) {
    struct fixture *fixture = *state;
    gw_exchange_continue(start_expecting(fixture));
    gw_exchange_end(&fixture->exchange);
    gw_exchange_continue(start_expecting(fixture));
    assert_output(fixture, CONTINUE);
}

// ---- refusals ----

static void test_the_error_shape_to_the_letter(void **state) {
    struct fixture *fixture = *state;
    gw_exchange_fail(start_get(fixture), GW_ERROR_NOT_FOUND, "There is \"nothing\".\r\nX: y");
    assert_output(
        fixture,
        "HTTP/1.1 404 Not Found\r\n" COMMON
        "Content-Type: application/json\r\nCache-Control: no-store\r\n"
        "Content-Length: 72\r\n\r\n"
        "{\"error\":{\"code\":\"not_found\",\"message\":\"There is \\\"nothing\\\".\\r\\nX: y\"}}");
    assert_ended(fixture);
}

// RFC 6749 section 5.2: a description has no quotation mark, no backslash, and nothing but ASCII.
static void test_the_error_shape_of_oauth_to_the_letter(void **state) {
    struct fixture *fixture = *state;
    static const struct gw_route route = {.errors = GW_ROUTE_ERRORS_OAUTH};
    struct gw_exchange *exchange = start_get(fixture);
    exchange->match.route = &route;
    gw_exchange_fail(exchange, GW_ERROR_OAUTH_INVALID_TARGET, "No \"such\\\n\xC3\xA4 thing.");
    assert_output(fixture, "HTTP/1.1 400 Bad Request\r\n" COMMON
                           "Content-Type: application/json\r\nCache-Control: no-store\r\n"
                           "Content-Length: 68\r\n\r\n"
                           "{\"error\":\"invalid_target\","
                           "\"error_description\":\"No ?such???? thing.\"}");
    assert_ended(fixture);
}

// The fields of a refusal that depend on its row.
static void test_what_a_refusal_adds(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        enum gw_error error;
        const char *added; // its line, or ""
    } cases[] = {
        {GW_ERROR_BAD_REQUEST, ""},
        {GW_ERROR_MISSING_TOKEN, "WWW-Authenticate: Bearer\r\n"},
        {GW_ERROR_INVALID_TOKEN, "WWW-Authenticate: Bearer error=\"invalid_token\"\r\n"},
        {GW_ERROR_INSUFFICIENT_SCOPE, "WWW-Authenticate: Bearer error=\"insufficient_scope\"\r\n"},
        {GW_ERROR_ORG_MISMATCH, ""},
        {GW_ERROR_NOT_FOUND, ""},
        {GW_ERROR_REQUEST_IN_PROGRESS, "Retry-After: 2\r\n"},
        {GW_ERROR_RATE_LIMITED, "Retry-After: 1\r\n"},
        {GW_ERROR_UPSTREAM_FAILED, ""},
        {GW_ERROR_UNAVAILABLE, "Retry-After: 1\r\n"},
        {GW_ERROR_UPSTREAM_TIMEOUT, ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char expected[256];
        gw_exchange_fail(start_get(fixture), cases[i].error, "x");
        struct gw_str output = gw_buf_bytes(&fixture->output);
        snprintf(expected, sizeof(expected),
                 "Cache-Control: no-store\r\n%sContent-Length: ", cases[i].added);
        if (memmem(output.at, output.length, expected, strlen(expected)) == NULL)
            fail_msg("%s", output.at);
        gw_exchange_end(&fixture->exchange);
    }
}

static void test_a_field_of_the_caller_stands_in_place_of_the_added_one(void **state) {
    struct fixture *fixture = *state;
    const struct gw_response_field allow = {GW_STR("Allow"), GW_STR("GET, HEAD")};
    gw_exchange_fail_with(start_get(fixture), GW_ERROR_METHOD_NOT_ALLOWED, "No.", &allow);
    assert_output(fixture, "HTTP/1.1 405 Method Not Allowed\r\n" COMMON
                           "Content-Type: application/json\r\nCache-Control: no-store\r\n"
                           "Allow: GET, HEAD\r\nContent-Length: 55\r\n\r\n"
                           "{\"error\":{\"code\":\"method_not_allowed\",\"message\":\"No.\"}}");
    gw_exchange_end(&fixture->exchange);
    const struct gw_response_field later = {GW_STR("Retry-After"), GW_STR("30")};
    gw_exchange_fail_with(start_get(fixture), GW_ERROR_UNAVAILABLE, "No.", &later);
    struct gw_str output = gw_buf_bytes(&fixture->output);
    assert_non_null(memmem(output.at, output.length, "Retry-After: 30\r\n", 17));
    assert_null(memmem(output.at, output.length, "Retry-After: 1\r\n", 16));
}

static void test_a_bad_request_closes_and_other_refusals_do_not(void **state) {
    struct fixture *fixture = *state;
    gw_exchange_fail(start_get(fixture), GW_ERROR_BAD_REQUEST, "x");
    assert_true(fixture->exchange.close_after);
    gw_exchange_end(&fixture->exchange);
    gw_exchange_fail(start_get(fixture), GW_ERROR_NOT_FOUND, "x");
    assert_false(fixture->exchange.close_after);
    gw_exchange_end(&fixture->exchange);
    gw_exchange_respond(start_get(fixture), 200, NULL, 0, NULL, GW_STR(""));
    assert_false(fixture->exchange.close_after);
}

static void test_a_refusal_of_head_has_no_body(void **state) {
    struct fixture *fixture = *state;
    gw_exchange_fail(start(fixture, HTTP_HEAD, 1, true), GW_ERROR_NOT_FOUND, "x");
    assert_output(fixture, "HTTP/1.1 404 Not Found\r\n" COMMON
                           "Content-Type: application/json\r\nCache-Control: no-store\r\n"
                           "Content-Length: 44\r\n\r\n");
}

// ---- a life ----

static int over_count;

static void on_over(struct gw_handler *handler) {
    assert_null(handler->exchange->handler);
    over_count++;
}

static void test_the_handler_is_told_once_that_it_is_over(void **state) {
    struct fixture *fixture = *state;
    static const struct gw_handler_calls calls = {.on_over = on_over};
    struct gw_exchange *exchange = start_get(fixture);
    struct gw_handler handler = {.calls = &calls, .exchange = exchange};
    exchange->handler = &handler;
    over_count = 0;
    gw_exchange_respond(exchange, 200, NULL, 0, NULL, GW_STR(""));
    assert_int_equal(over_count, 0); // the owner ends an exchange, not the response
    gw_exchange_end(exchange);
    gw_exchange_end(exchange);
    assert_int_equal(over_count, 1);
}

static void test_nothing_of_a_request_is_left_for_the_next(void **state) {
    struct fixture *fixture = *state;
    struct gw_exchange *exchange = start_expecting(fixture);
    exchange->has_identity = true;
    gw_exchange_continue(exchange);
    gw_exchange_begin(exchange, 200, NULL, 0, GW_LENGTH_UNKNOWN);
    gw_exchange_send(exchange, GW_STR("x"));
    gw_exchange_end(exchange);
    gw_exchange_respond(start_get(fixture), 200, NULL, 0, NULL, GW_STR("y"));
    assert_output(fixture, "HTTP/1.1 200 OK\r\n" COMMON "Content-Length: 1\r\n\r\ny");
    assert_false(exchange->has_identity);
    assert_false(exchange->has_continued);
    assert_int_equal(exchange->body_bytes, 1);
}

static void test_responses_are_counted_by_code_and_route(void **state) {
    struct fixture *fixture = *state;
    static const int statuses[] = {200, 201, 204, 302, 400, 404, 499, 500, 503, 504};
    for (size_t i = 0; i < COUNT(statuses); i++) {
        if (i % 2 == 0)
            gw_exchange_respond(start_get(fixture), statuses[i], NULL, 0, NULL, GW_STR(""));
        else
            gw_exchange_begin(start_get(fixture), statuses[i], NULL, 0, 0);
        gw_exchange_end(&fixture->exchange);
    }
    assert_int_equal(fixture->metrics.responses_total[GW_ROUTE_CLASS_NONE][GW_CODE_2XX], 3);
    assert_int_equal(fixture->metrics.responses_total[GW_ROUTE_CLASS_NONE][GW_CODE_3XX], 1);
    assert_int_equal(fixture->metrics.responses_total[GW_ROUTE_CLASS_NONE][GW_CODE_4XX], 3);
    assert_int_equal(fixture->metrics.responses_total[GW_ROUTE_CLASS_NONE][GW_CODE_5XX], 3);
    start_get(fixture)->route_class = GW_ROUTE_CLASS_API;
    gw_exchange_respond(&fixture->exchange, 404, NULL, 0, NULL, GW_STR(""));
    gw_exchange_end(&fixture->exchange);
    fixture->exchange.site = GW_SITE_ADMIN;
    gw_exchange_respond(start_get(fixture), 200, NULL, 0, NULL, GW_STR(""));
    gw_exchange_end(&fixture->exchange);
    assert_int_equal(fixture->metrics.responses_total[GW_ROUTE_CLASS_API][GW_CODE_4XX], 1);
    assert_int_equal(fixture->metrics.responses_total[GW_ROUTE_CLASS_ADMIN][GW_CODE_2XX], 1);
    assert_int_equal(fixture->metrics.responses_total[GW_ROUTE_CLASS_NONE][GW_CODE_4XX], 3);
}

static void test_the_owner_is_asked_for_the_body_and_for_what_waits(void **state) {
    struct fixture *fixture = *state;
    struct gw_exchange *exchange = start_get(fixture);
    gw_exchange_want_body(exchange, true);
    assert_true(fixture->is_body_wanted);
    gw_exchange_want_body(exchange, false);
    assert_false(fixture->is_body_wanted);
    fixture->pending = 12345;
    assert_int_equal(gw_exchange_pending_bytes(exchange), 12345);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static void test_rest_gives_back_what_is_kept_for_the_next_request(void **state) {
    struct fixture *fixture = *state;
    struct gw_exchange *exchange = start_get(fixture);
    assert_non_null(gw_arena_allocate(&exchange->arena, 1));
    gw_exchange_end(exchange);
    assert_non_null(exchange->arena.first);
    gw_exchange_trim(exchange);
    assert_null(exchange->arena.first);
    assert_non_null(gw_arena_allocate(&start_get(fixture)->arena, 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_the_id_of_a_trusted_proxy_is_kept),
        TEST(test_an_expiry_that_is_near_is_told_with_every_response),
        TEST(test_a_trace_is_begun_when_it_is_first_asked_for),
        TEST(test_a_client_that_sent_a_trace_is_told_its_span),
        TEST(test_a_whole_response_to_the_letter),
        TEST(test_what_the_limits_say_is_in_every_response_of_its_request_alone),
        TEST(test_head_gets_the_head_alone),
        TEST(test_204_has_neither_length_nor_body),
        TEST(test_304_may_tell_a_length_but_has_no_body),
        TEST(test_an_unknown_status_has_no_phrase),
        TEST(test_connection_says_what_becomes_of_it),
        TEST(test_a_body_that_has_begun_is_cut_until_it_is_whole),
        TEST(test_a_head_that_could_not_be_read_is_answered_and_closed),
        TEST(test_a_streamed_response_of_known_length),
        TEST(test_a_streamed_response_of_unknown_length_is_chunked),
        TEST(test_on_1_0_an_unknown_length_ends_by_close),
        TEST(test_a_streamed_answer_to_head),
        TEST(test_the_date_of_the_registry_is_kept),
        TEST(test_a_body_longer_than_told_breaks),
        TEST(test_a_body_shorter_than_told_breaks),
        TEST(test_a_response_that_has_not_left_is_taken_back),
        TEST(test_a_response_that_has_begun_to_leave_stays),
        TEST(test_break_never_ends_a_chunked_body),
        TEST(test_a_response_that_finds_no_memory_breaks),
        TEST(test_100_continue_is_sent_once),
        TEST(test_100_continue_is_not_sent_when_nobody_waits_for_it),
        TEST(test_100_continue_is_sent_again_for_the_next_request),
        TEST(test_the_error_shape_to_the_letter),
        TEST(test_the_error_shape_of_oauth_to_the_letter),
        TEST(test_what_a_refusal_adds),
        TEST(test_a_field_of_the_caller_stands_in_place_of_the_added_one),
        TEST(test_a_bad_request_closes_and_other_refusals_do_not),
        TEST(test_a_refusal_of_head_has_no_body),
        TEST(test_the_handler_is_told_once_that_it_is_over),
        TEST(test_nothing_of_a_request_is_left_for_the_next),
        TEST(test_responses_are_counted_by_code_and_route),
        TEST(test_the_owner_is_asked_for_the_body_and_for_what_waits),
        TEST(test_rest_gives_back_what_is_kept_for_the_next_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
