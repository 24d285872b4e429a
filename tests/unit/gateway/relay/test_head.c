// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/exchange/exchange.h"
#include "gateway/http/head_block.h"
#include "gateway/http/parse.h"
#include "gateway/relay/head.h"

#define REQUEST_ID "0123456789abcdef0123456789abcdef"
#define TRACE_PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
#define TRACE_FIELD "\r\ntraceparent: " TRACE_PARENT

struct fixture {
    struct gw_config config;
    struct gw_services services;
    struct gw_http_parser parser;
    struct gw_exchange exchange;
};

static struct gw_client client_at(const char *address) {
    struct gw_ip ip;
    assert_int_equal(gw_ip_parse(gw_str_from(address), &ip), GW_OK);
    return gw_client_at(&ip);
}

static void ignore_body(struct gw_http_parser *parser, struct gw_str bytes) {
    (void)parser;
    (void)bytes;
}

static void read_head(struct fixture *fixture, enum gw_http_side side, const char *text) {
    size_t consumed;
    gw_http_parser_init(&fixture->parser, side, ignore_body);
    assert_int_equal(gw_http_parser_feed(&fixture->parser, gw_str_from(text), &consumed),
                     GW_HTTP_HEAD);
}

#define VIA_1_1 "Via: 1.1 skillreg-gateway\r\n"
#define VIA_1_0 "Via: 1.0 skillreg-gateway\r\n"

// An exchange as the connection hands it over, with the router's `path` and `query`.
static void open_exchange(struct fixture *fixture, const char *text, struct gw_str path,
                          struct gw_str query) {
    memset(fixture, 0, sizeof(*fixture));
    read_head(fixture, GW_HTTP_REQUESTS, text);
    struct gw_exchange *exchange = &fixture->exchange;
    gw_arena_init(&exchange->arena, GW_REQUEST_ARENA_BYTES_MAX);
    exchange->request = fixture->parser.head;
    exchange->match.path = path;
    exchange->match.query = query;
    fixture->config.client_address_from_forwarded = false;
    fixture->services.config = &fixture->config;
    exchange->services = &fixture->services;
    exchange->client = client_at("192.0.2.7");
    memcpy(exchange->request_id, REQUEST_ID, sizeof(REQUEST_ID));
    memcpy(exchange->trace.parent, TRACE_PARENT, sizeof(TRACE_PARENT));
    exchange->trace.has_span = true;
}

static void identify(struct fixture *fixture) {
    fixture->exchange.has_identity = true;
    fixture->exchange.identity.org_slug = GW_STR("acme");
    fixture->exchange.identity.id = GW_STR("clx7f2k3a");
    fixture->exchange.identity.scopes = GW_SCOPE_READ | GW_SCOPE_WRITE;
}

static void close_exchange(struct fixture *fixture) {
    gw_arena_deinit(&fixture->exchange.arena);
    gw_http_parser_deinit(&fixture->parser);
}

static void assert_composed(struct fixture *fixture, bool forward_authorization,
                            const char *expected) {
    struct gw_upstream_request composed;
    assert_int_equal(gw_relay_compose_request(&fixture->exchange, forward_authorization, &composed),
                     GW_OK);
    char text[2048];
    (void)snprintf(text, sizeof(text), "%.*s%.*s", GW_STR_ARG(composed.line),
                   GW_STR_ARG(composed.fields));
    assert_true(
        gw_str_equal(gw_str_slice(gw_str_from(expected), 0, composed.line.length), composed.line));
    assert_int_equal(gw_str_find(composed.line, '\n'), composed.line.length - 1);
    assert_string_equal(text, expected);
}

static void test_a_request_is_composed_anew(void **state) {
    (void)state;
    struct fixture fixture;
    open_exchange(&fixture,
                  "GET /api/v1/orgs/acme/skills/a%2Fb?q=%20x HTTP/1.1\r\n"
                  "Host: gateway.example\r\nAccept: */*\r\nAuthorization: Bearer secret\r\n"
                  "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nCookie: c=d\r\n\r\n",
                  GW_STR("/api/v1/orgs/acme/skills/a%2Fb"), GW_STR("q=%20x"));
    identify(&fixture);
    fixture.exchange.is_tls = true;
    assert_composed(&fixture, false,
                    "GET /api/v1/orgs/acme/skills/a%2Fb?q=%20x HTTP/1.1\r\n"
                    "Accept: */*\r\nCookie: c=d\r\n"
                    "X-SkillReg-Org: acme\r\nX-SkillReg-Token-Id: clx7f2k3a\r\n"
                    "X-SkillReg-Scopes: read,write\r\n" VIA_1_1
                    "X-Request-Id: " REQUEST_ID TRACE_FIELD "\r\n"
                    "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"
                    "X-Forwarded-Host: gateway.example\r\n\r\n");
    close_exchange(&fixture);
}

static void test_forged_identity_is_replaced_by_ours(void **state) {
    (void)state;
    struct fixture fixture;
    open_exchange(&fixture,
                  "GET /api/v1/search HTTP/1.1\r\nHost: h\r\nX-SkillReg-Org: evil\r\n"
                  "x_skillreg_org: evil\r\nX-SkillReg-Scopes: admin\r\nX-Request-Id: evil\r\n"
                  "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Host: evil\r\nForwarded: for=x\r\n"
                  "X-Real-IP: 10.0.0.1\r\nX-HTTP-Method-Override: DELETE\r\n\r\n",
                  GW_STR("/api/v1/search"), gw_str(NULL, 0));
    identify(&fixture);
    assert_composed(&fixture, false,
                    "GET /api/v1/search HTTP/1.1\r\n"
                    "X-SkillReg-Org: acme\r\nX-SkillReg-Token-Id: clx7f2k3a\r\n"
                    "X-SkillReg-Scopes: read,write\r\n" VIA_1_1
                    "X-Request-Id: " REQUEST_ID TRACE_FIELD "\r\n"
                    "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\n"
                    "X-Forwarded-Host: h\r\n\r\n");
    close_exchange(&fixture);
}

static void test_without_identity_there_are_no_identity_fields(void **state) {
    (void)state;
    struct fixture fixture;
    open_exchange(&fixture, "GET /api/v1/public/a HTTP/1.0\r\nX-SkillReg-Org: evil\r\n\r\n",
                  GW_STR("/api/v1/public/a"), gw_str(NULL, 0));
    assert_composed(&fixture, false,
                    "GET /api/v1/public/a HTTP/1.1\r\n" VIA_1_0
                    "X-Request-Id: " REQUEST_ID TRACE_FIELD "\r\nX-Forwarded-For: 192.0.2.7\r\n"
                    "X-Forwarded-Proto: http\r\n\r\n");
    close_exchange(&fixture);
}

static void test_a_trusted_proxy_is_added_to_its_own_list(void **state) {
    (void)state;
    struct fixture fixture;
    open_exchange(&fixture,
                  "GET /a HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: junk, 192.0.2.7\r\n"
                  "X-Forwarded-Proto: https\r\nX-Forwarded-For: 10.0.0.1\r\n"
                  "X-Forwarded-Host: gateway.example\r\nX-Forwarded-Port: 1\r\n\r\n",
                  GW_STR("/a"), gw_str(NULL, 0));
    fixture.exchange.proxy_address = GW_STR("10.0.0.2");
    assert_composed(&fixture, false,
                    "GET /a HTTP/1.1\r\n" VIA_1_1 "X-Request-Id: " REQUEST_ID TRACE_FIELD "\r\n"
                    "X-Forwarded-For: junk, 192.0.2.7, 10.0.0.1, 10.0.0.2\r\n"
                    "X-Forwarded-Proto: https\r\nX-Forwarded-Host: gateway.example\r\n\r\n");
    close_exchange(&fixture);
}

// X-Forwarded-For for the registry, of a request that the proxy 10.0.0.2 sent with `fields`.
static void assert_list(enum gw_http_field_id from, const char *fields, struct gw_client client,
                        const char *expected) {
    struct fixture fixture;
    char request[512];
    char composed[512];
    (void)snprintf(request, sizeof(request), "GET /a HTTP/1.1\r\nHost: h\r\n%s\r\n", fields);
    (void)snprintf(composed, sizeof(composed),
                   "GET /a HTTP/1.1\r\n" VIA_1_1 "X-Request-Id: " REQUEST_ID TRACE_FIELD "\r\n"
                   "X-Forwarded-For: %s\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n\r\n",
                   expected);
    open_exchange(&fixture, request, GW_STR("/a"), gw_str(NULL, 0));
    fixture.config.client_address_from_forwarded = from == GW_FIELD_FORWARDED;
    fixture.exchange.proxy_address = GW_STR("10.0.0.2");
    fixture.exchange.client = client;
    assert_composed(&fixture, false, composed);
    close_exchange(&fixture);
}

#define LIST "X-Forwarded-For: 192.0.2.9, 192.0.2.7\r\n"
#define ELEMENTS "Forwarded: for=192.0.2.7\r\n"

static void test_forwarded_is_translated(void **state) {
    (void)state;
    assert_list(GW_FIELD_FORWARDED, ELEMENTS, client_at("192.0.2.7"), "192.0.2.7, 10.0.0.2");
}

static void test_a_proxy_that_speaks_for_itself_stands_there_once(void **state) {
    (void)state;
    assert_list(GW_FIELD_X_FORWARDED_FOR, "", client_at("10.0.0.2"), "10.0.0.2");
    assert_list(GW_FIELD_FORWARDED, "", client_at("10.0.0.2"), "10.0.0.2");
}

static void test_the_field_that_does_not_count_does_not_get_through(void **state) {
    (void)state;
    assert_list(GW_FIELD_FORWARDED, LIST ELEMENTS, client_at("192.0.2.7"), "192.0.2.7, 10.0.0.2");
    assert_list(GW_FIELD_X_FORWARDED_FOR, LIST "Forwarded: for=192.0.2.1\r\n",
                client_at("192.0.2.7"), "192.0.2.9, 192.0.2.7, 10.0.0.2");
}

// The registry might find a client in a list in which the gateway found no client.
static void test_nobody_is_made_up_for_an_unknown_client(void **state) {
    (void)state;
    static const char *const lists[] = {"X-Forwarded-For: 192.0.2.9,\r\n",
                                        "X-Forwarded-For: 192.0.2.9, unknown, 10.0.0.1\r\n",
                                        ELEMENTS};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        assert_list(GW_FIELD_X_FORWARDED_FOR, lists[i], gw_client_unknown(), "unknown, 10.0.0.2");
    assert_list(GW_FIELD_FORWARDED, LIST, gw_client_unknown(), "unknown, 10.0.0.2");
}

static void test_two_schemes_are_none(void **state) {
    (void)state;
    struct fixture fixture;
    open_exchange(&fixture,
                  "GET /a HTTP/1.1\r\nHost: h\r\n"
                  "X-Forwarded-Proto: http\r\nX-Forwarded-Proto: https\r\n\r\n",
                  GW_STR("/a"), gw_str(NULL, 0));
    fixture.exchange.proxy_address = GW_STR("10.0.0.2");
    fixture.exchange.client = client_at("10.0.0.2");
    assert_composed(&fixture, false,
                    "GET /a HTTP/1.1\r\n" VIA_1_1 "X-Request-Id: " REQUEST_ID TRACE_FIELD "\r\n"
                    "X-Forwarded-For: 10.0.0.2\r\n"
                    "X-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n\r\n");
    close_exchange(&fixture);
}

// The balancer passes a connection on without naming the client or itself.
static void test_an_unknown_client_without_a_proxy_is_unknown_alone(void **state) {
    (void)state;
    struct fixture fixture;
    open_exchange(&fixture, "GET /a HTTP/1.0\r\n" LIST "\r\n", GW_STR("/a"), gw_str(NULL, 0));
    fixture.exchange.client = gw_client_unknown();
    assert_composed(&fixture, false,
                    "GET /a HTTP/1.1\r\n" VIA_1_0 "X-Request-Id: " REQUEST_ID TRACE_FIELD "\r\n"
                    "X-Forwarded-For: unknown\r\nX-Forwarded-Proto: http\r\n\r\n");
    close_exchange(&fixture);
}

static void test_an_empty_query_keeps_its_question_mark(void **state) {
    (void)state;
    struct fixture fixture;
    open_exchange(&fixture, "GET /a? HTTP/1.0\r\n\r\n", GW_STR("/a"), GW_STR(""));
    assert_composed(&fixture, false,
                    "GET /a? HTTP/1.1\r\n" VIA_1_0 "X-Request-Id: " REQUEST_ID TRACE_FIELD "\r\n"
                    "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\n\r\n");
    close_exchange(&fixture);
}

static void test_a_body_is_framed_as_it_was_parsed(void **state) {
    (void)state;
    struct fixture fixture;
    open_exchange(&fixture,
                  "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 0012\r\n"
                  "Content-Type: text/plain\r\n\r\n",
                  GW_STR("/a"), gw_str(NULL, 0));
    assert_composed(&fixture, false,
                    "POST /a HTTP/1.1\r\nContent-Type: text/plain\r\n"
                    "Content-Length: 12\r\nExpect: 100-continue\r\n" VIA_1_1
                    "X-Request-Id: " REQUEST_ID TRACE_FIELD "\r\n"
                    "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\n"
                    "X-Forwarded-Host: h\r\n\r\n");
    close_exchange(&fixture);
    open_exchange(&fixture,
                  "PUT /a HTTP/1.1\r\nHost: h\r\nTrailer: X\r\nTE: trailers\r\n"
                  "Transfer-Encoding: Chunked\r\n\r\n",
                  GW_STR("/a"), gw_str(NULL, 0));
    assert_composed(&fixture, false,
                    "PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" VIA_1_1
                    "X-Request-Id: " REQUEST_ID TRACE_FIELD "\r\nX-Forwarded-For: 192.0.2.7\r\n"
                    "X-Forwarded-Proto: http\r\nX-Forwarded-Host: h\r\n\r\n");
    close_exchange(&fixture);
}

static void test_without_a_body_there_is_nothing_to_wait_for(void **state) {
    (void)state;
    struct fixture fixture;
    open_exchange(
        &fixture,
        "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
        GW_STR("/a"), gw_str(NULL, 0));
    assert_composed(&fixture, false,
                    "POST /a HTTP/1.1\r\nContent-Length: 0\r\n" VIA_1_1
                    "X-Request-Id: " REQUEST_ID TRACE_FIELD "\r\n"
                    "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\n"
                    "X-Forwarded-Host: h\r\n\r\n");
    close_exchange(&fixture);
}

static void test_authorization_is_passed_on_when_the_operator_says_so(void **state) {
    (void)state;
    struct fixture fixture;
    open_exchange(&fixture, "GET /a HTTP/1.0\r\nAuthorization: Bearer t\r\n\r\n", GW_STR("/a"),
                  gw_str(NULL, 0));
    assert_composed(&fixture, true,
                    "GET /a HTTP/1.1\r\nAuthorization: Bearer t\r\n" VIA_1_0
                    "X-Request-Id: " REQUEST_ID TRACE_FIELD "\r\nX-Forwarded-For: 192.0.2.7\r\n"
                    "X-Forwarded-Proto: http\r\n\r\n");
    close_exchange(&fixture);
}

static void test_the_largest_head_fits(void **state) {
    (void)state;
    static char text[GW_HTTP_HEAD_BYTES_MAX + 1024] = "GET /a HTTP/1.1\r\nHost: h\r\n";
    size_t length = strlen(text);
    for (int i = 0; i < GW_HTTP_FIELDS_MAX - 1; i++) {
        memcpy(text + length, "A-Field: ", 9);
        memset(text + length + 9, 'v', 300);
        memcpy(text + length + 309, "\r\n", 2);
        length += 311;
    }
    memcpy(text + length, "\r\n", 2);
    struct fixture fixture;
    struct gw_upstream_request composed;
    open_exchange(&fixture, text, GW_STR("/a"), gw_str(NULL, 0));
    assert_int_equal(gw_relay_compose_request(&fixture.exchange, false, &composed), GW_OK);
    assert_true(composed.line.length + composed.fields.length > length);
    close_exchange(&fixture);
}

static void test_too_little_memory_is_reported(void **state) {
    (void)state;
    struct fixture fixture;
    struct gw_upstream_request composed;
    open_exchange(&fixture, "GET /a HTTP/1.0\r\n\r\n", GW_STR("/a"), gw_str(NULL, 0));
    gw_arena_init(&fixture.exchange.arena, 16);
    assert_int_equal(gw_relay_compose_request(&fixture.exchange, false, &composed), GW_NO_MEMORY);
    close_exchange(&fixture);
}

static void test_response_fields_pass_byte_for_byte(void **state) {
    (void)state;
    struct fixture fixture = {.exchange = {.status = 0}};
    struct gw_response_field fields[GW_HTTP_FIELDS_MAX];
    int count;
    read_head(
        &fixture, GW_HTTP_RESPONSES,
        "HTTP/1.1 302 Found\r\nlOcAtIoN: /b\r\nContent-Length: 3\r\nX-Request-ID: theirs\r\n"
        "Connection: close, x-hop\r\nX-Hop: 1\r\nServer: s\r\nDate: d\r\n"
        "X-Checksum-Sha256: AbC\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nKeep-Alive: 5\r\n\r\n");
    assert_int_equal(gw_relay_pick_fields(fixture.parser.head, fields, &count), GW_OK);
    static const struct gw_response_field expected[] = {
        {GW_STR_INIT("lOcAtIoN"), GW_STR_INIT("/b")},
        {GW_STR_INIT("Server"), GW_STR_INIT("s")},
        {GW_STR_INIT("Date"), GW_STR_INIT("d")},
        {GW_STR_INIT("X-Checksum-Sha256"), GW_STR_INIT("AbC")},
        {GW_STR_INIT("Set-Cookie"), GW_STR_INIT("a=b")},
        {GW_STR_INIT("Set-Cookie"), GW_STR_INIT("c=d")},
    };
    assert_int_equal(count, sizeof(expected) / sizeof(expected[0]));
    for (int i = 0; i < count; i++) {
        assert_true(gw_str_equal(fields[i].name, expected[i].name));
        assert_true(gw_str_equal(fields[i].value, expected[i].value));
    }
    gw_http_parser_deinit(&fixture.parser);
}

static void test_tracestate_goes_with_the_trace_that_it_is_of(void **state) {
    (void)state;
    for (int is_of_client = 0; is_of_client < 2; is_of_client++) {
        struct fixture fixture;
        struct gw_upstream_request composed;
        open_exchange(&fixture,
                      "GET /a HTTP/1.1\r\nHost: h\r\ntraceparent: "
                      "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
                      "tracestate: a=1\r\nTraceState: b=2\r\n\r\n",
                      GW_STR("/a"), GW_STR(""));
        fixture.exchange.trace.is_of_client = is_of_client;
        assert_int_equal(gw_relay_compose_request(&fixture.exchange, false, &composed), GW_OK);
        char text[1024];
        (void)snprintf(text, sizeof(text), "%.*s", GW_STR_ARG(composed.fields));
        assert_null(strstr(text, "b7ad6b7169203331"));
        assert_non_null(strstr(text, TRACE_FIELD "\r\n"));
        assert_int_equal(strstr(text, "tracestate: a=1\r\n") != NULL, is_of_client);
        assert_int_equal(strstr(text, "TraceState: b=2\r\n") != NULL, is_of_client);
        close_exchange(&fixture);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_is_composed_anew),
        cmocka_unit_test(test_forged_identity_is_replaced_by_ours),
        cmocka_unit_test(test_without_identity_there_are_no_identity_fields),
        cmocka_unit_test(test_a_trusted_proxy_is_added_to_its_own_list),
        cmocka_unit_test(test_forwarded_is_translated),
        cmocka_unit_test(test_a_proxy_that_speaks_for_itself_stands_there_once),
        cmocka_unit_test(test_the_field_that_does_not_count_does_not_get_through),
        cmocka_unit_test(test_nobody_is_made_up_for_an_unknown_client),
        cmocka_unit_test(test_two_schemes_are_none),
        cmocka_unit_test(test_an_unknown_client_without_a_proxy_is_unknown_alone),
        cmocka_unit_test(test_an_empty_query_keeps_its_question_mark),
        cmocka_unit_test(test_a_body_is_framed_as_it_was_parsed),
        cmocka_unit_test(test_without_a_body_there_is_nothing_to_wait_for),
        cmocka_unit_test(test_authorization_is_passed_on_when_the_operator_says_so),
        cmocka_unit_test(test_the_largest_head_fits),
        cmocka_unit_test(test_too_little_memory_is_reported),
        cmocka_unit_test(test_response_fields_pass_byte_for_byte),
        cmocka_unit_test(test_tracestate_goes_with_the_trace_that_it_is_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
