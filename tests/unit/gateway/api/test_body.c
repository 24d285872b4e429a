// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/api/body.h"
#include "tests/support/noted_exchange.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define JSON "application/json"
#define FORM "application/x-www-form-urlencoded"

struct fixture {
    struct noted_exchange noted;
    struct gw_api_body body;
    int whole_count, over_count;
};

static int set_up(void **state) {
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    noted_exchange_open(&fixture->noted);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    noted_exchange_close(&fixture->noted);
    test_free(fixture);
    return 0;
}

static struct fixture *fixture_of(struct gw_api_body *body) {
    return gw_container_of(body, struct fixture, body);
}

static void on_whole(struct gw_api_body *body) {
    fixture_of(body)->whole_count++;
}

static void on_over(struct gw_api_body *body) {
    fixture_of(body)->over_count++;
}

// ---- what the head announces ----

// `type` NULL: no Content-Type. `length` negative: chunked.
static struct gw_exchange *announce(struct fixture *fixture, const char *type, int64_t length) {
    struct gw_exchange *exchange = noted_exchange_start(&fixture->noted, HTTP_POST);
    struct gw_http_head *request = &fixture->noted.request;
    exchange->body_complete = false;
    request->is_chunked = length < 0;
    request->has_content_length = length >= 0;
    request->content_length = length < 0 ? 0 : (uint64_t)length;
    if (type != NULL)
        request->fields[request->field_count++] = (struct gw_http_field){
            GW_STR("Content-Type"), gw_str_from(type), GW_FIELD_CONTENT_TYPE};
    return exchange;
}

static void assert_read(struct fixture *fixture, const char *type, enum gw_api_body_kind kind) {
    if (!gw_api_body_check(announce(fixture, type, 2), kind, false))
        fail_msg("%s", type);
    assert_int_equal(gw_buf_length(&fixture->noted.output), 0);
    noted_exchange_end(&fixture->noted);
}

static void assert_refused(struct fixture *fixture, const char *type, int64_t length,
                           enum gw_api_body_kind kind, int status) {
    if (gw_api_body_check(announce(fixture, type, length), kind, false))
        fail_msg("%s", type);
    assert_int_equal(fixture->noted.exchange.status, status);
    assert_int_equal(fixture->noted.end_count, 1);
    noted_exchange_end(&fixture->noted);
}

static void test_a_body_of_json_is_read(void **state) {
    static const char *const types[] = {JSON, "Application/JSON", JSON "; charset=utf-8",
                                        JSON " ;x"};
    for (size_t i = 0; i < COUNT(types); i++)
        assert_read(*state, types[i], GW_API_BODY_JSON);
}

static void test_a_form_is_read(void **state) {
    assert_read(*state, FORM, GW_API_BODY_FORM);
    assert_read(*state, "Application/X-WWW-Form-URLEncoded ; charset=UTF-8", GW_API_BODY_FORM);
}

static void test_another_media_type_is_refused(void **state) {
    static const char *const types[] = {"",
                                        "text/json",
                                        "application/jsonp",
                                        "application/json-patch+json",
                                        "application/problem+json",
                                        "application/json, text/plain",
                                        "text/plain; application/json",
                                        "application / json",
                                        "application/x-www-form-urlencoded2",
                                        "multipart/form-data"};
    for (size_t i = 0; i < COUNT(types); i++) {
        assert_refused(*state, types[i], 2, GW_API_BODY_JSON, 415);
        assert_refused(*state, types[i], 2, GW_API_BODY_FORM, 415);
    }
    assert_refused(*state, FORM, 2, GW_API_BODY_JSON, 415);
    assert_refused(*state, JSON, 2, GW_API_BODY_FORM, 415);
    assert_refused(*state, NULL, -1, GW_API_BODY_JSON, 415);
}

static void test_a_refusal_names_the_media_type_wanted(void **state) {
    struct fixture *fixture = *state;
    assert_false(gw_api_body_check(announce(fixture, NULL, 2), GW_API_BODY_FORM, false));
    assert_non_null(memmem(fixture->noted.output.memory, gw_buf_length(&fixture->noted.output),
                           "must be " FORM ".", strlen("must be " FORM ".")));
}

static void test_an_optional_body_needs_a_media_type_when_there_is_one(void **state) {
    struct fixture *fixture = *state;
    assert_true(gw_api_body_check(announce(fixture, NULL, 0), GW_API_BODY_JSON, true));
    noted_exchange_end(&fixture->noted);
    assert_false(gw_api_body_check(announce(fixture, NULL, 1), GW_API_BODY_JSON, true));
    noted_exchange_end(&fixture->noted);
    assert_false(gw_api_body_check(announce(fixture, NULL, -1), GW_API_BODY_JSON, true));
}

static void test_a_body_announced_too_large_is_refused(void **state) {
    assert_refused(*state, JSON, GW_BODY_OWN_BYTES_MAX + 1, GW_API_BODY_JSON, 413);
    assert_refused(*state, JSON, GW_BODY_IDS_BYTES_MAX + 1, GW_API_BODY_IDS, 413);
    assert_true(
        gw_api_body_check(announce(*state, JSON, GW_BODY_IDS_BYTES_MAX), GW_API_BODY_IDS, false));
    struct fixture *fixture = *state;
    assert_true(
        gw_api_body_check(announce(fixture, JSON, GW_BODY_OWN_BYTES_MAX), GW_API_BODY_JSON, false));
}

// ---- what comes ----

static struct gw_handler *start_reading(struct fixture *fixture) {
    static const struct gw_api_body_calls calls = {.on_whole = on_whole, .on_over = on_over};
    struct gw_exchange *exchange = announce(fixture, JSON, -1);
    fixture->whole_count = fixture->over_count = 0;
    gw_api_body_init(&fixture->body, exchange, GW_API_BODY_JSON, &calls);
    gw_api_body_read(&fixture->body);
    assert_ptr_equal(exchange->handler, &fixture->body.handler);
    return exchange->handler;
}

static void test_pieces_become_one_body(void **state) {
    struct fixture *fixture = *state;
    struct gw_handler *handler = start_reading(fixture);
    handler->calls->on_body(handler, GW_STR("{\"a\""));
    handler->calls->on_body(handler, GW_STR(":1}"));
    assert_int_equal(fixture->whole_count, 0);
    handler->calls->on_body_end(handler);
    assert_int_equal(fixture->whole_count, 1);
    assert_true(gw_str_equal(gw_buf_bytes(&fixture->body.bytes), GW_STR("{\"a\":1}")));
    noted_exchange_end(&fixture->noted);
    assert_int_equal(fixture->over_count, 1);
}

static void test_a_client_that_waits_is_told_to_go_on(void **state) {
    struct fixture *fixture = *state;
    static const struct gw_api_body_calls calls = {.on_whole = on_whole, .on_over = on_over};
    gw_api_body_init(&fixture->body, announce(fixture, JSON, 2), GW_API_BODY_JSON, &calls);
    fixture->noted.request.expects_continue = true;
    gw_api_body_read(&fixture->body);
    assert_true(noted_exchange_has(&fixture->noted, "HTTP/1.1 100 Continue\r\n"));
    noted_exchange_end(&fixture->noted);
}

static void test_a_body_over_the_limit_is_refused_once_and_never_whole(void **state) {
    struct fixture *fixture = *state;
    static char bytes[GW_BODY_OWN_BYTES_MAX];
    struct gw_handler *handler = start_reading(fixture);
    handler->calls->on_body(handler, gw_str(bytes, sizeof(bytes)));
    assert_int_equal(fixture->noted.end_count, 0);
    handler->calls->on_body(handler, GW_STR("x"));
    handler->calls->on_body(handler, GW_STR("y"));
    handler->calls->on_body_end(handler);
    assert_int_equal(fixture->noted.exchange.status, 413);
    assert_int_equal(fixture->noted.end_count, 1);
    assert_int_equal(fixture->whole_count, 0);
    noted_exchange_end(&fixture->noted);
    assert_int_equal(fixture->over_count, 1);
}

static void test_a_client_that_leaves_ends_it(void **state) {
    struct fixture *fixture = *state;
    struct gw_handler *handler = start_reading(fixture);
    handler->calls->on_body(handler, GW_STR("{"));
    noted_exchange_end(&fixture->noted);
    assert_int_equal(fixture->whole_count, 0);
    assert_int_equal(fixture->over_count, 1);
    assert_null(fixture->body.bytes.memory);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_body_of_json_is_read),
        TEST(test_a_form_is_read),
        TEST(test_another_media_type_is_refused),
        TEST(test_a_refusal_names_the_media_type_wanted),
        TEST(test_an_optional_body_needs_a_media_type_when_there_is_one),
        TEST(test_a_body_announced_too_large_is_refused),
        TEST(test_pieces_become_one_body),
        TEST(test_a_client_that_waits_is_told_to_go_on),
        TEST(test_a_body_over_the_limit_is_refused_once_and_never_whole),
        TEST(test_a_client_that_leaves_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
