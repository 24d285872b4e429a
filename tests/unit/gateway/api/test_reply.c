// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/api/reply.h"
#include "tests/support/noted_exchange.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int set_up(void **state) {
    int failure = noted_exchange_set_up(state);
    noted_exchange_start(*state, HTTP_POST);
    return failure;
}

static void assert_answer(const struct noted_exchange *noted, int status, const char *text) {
    struct gw_str body = noted_exchange_body(noted);
    assert_int_equal(noted->exchange.status, status);
    assert_int_equal(noted->end_count, 1);
    assert_true(noted_exchange_has(noted, "Cache-Control: no-store\r\n"));
    if (memmem(body.at, body.length, text, strlen(text)) == NULL)
        fail_msg("%.*s has no %s", GW_STR_ARG(body), text);
}

static void test_a_document_is_answered_as_it_was_written(void **state) {
    struct noted_exchange *noted = *state;
    struct gw_buf body;
    struct gw_json_writer json;
    gw_buf_init(&body, 64);
    gw_json_writer_init(&json, &body);
    gw_json_open_object(&json);
    gw_json_key(&json, "a");
    gw_json_write_integer(&json, 1);
    gw_json_close_object(&json);
    gw_api_reply_json(&noted->exchange, 201, &json);
    assert_answer(noted, 201, "{\"a\":1}");
    assert_true(noted_exchange_has(noted, "Content-Type: application/json\r\n"));
    gw_buf_deinit(&body);
}

static void test_a_document_that_has_no_room_is_unavailable(void **state) {
    struct noted_exchange *noted = *state;
    struct gw_buf body;
    struct gw_json_writer json;
    gw_buf_init(&body, 4);
    gw_json_writer_init(&json, &body);
    gw_json_open_object(&json);
    gw_json_key(&json, "a long key");
    gw_json_write_integer(&json, 1);
    gw_json_close_object(&json);
    gw_api_reply_json(&noted->exchange, 200, &json);
    assert_answer(noted, 503, "The gateway is out of memory.");
    gw_buf_deinit(&body);
}

static void test_a_statement_that_failed_is_unavailable(void **state) {
    struct noted_exchange *noted = *state;
    gw_api_reply_database(&noted->exchange, GW_UNAVAILABLE);
    assert_answer(noted, 503, "The token database cannot be reached now.");
    noted_exchange_end(noted);
    noted_exchange_start(noted, HTTP_POST);
    gw_api_reply_database(&noted->exchange, GW_BUSY);
    assert_answer(noted, 503, "The change waited for another one for too long");
    assert_true(noted_exchange_has(noted, "Retry-After: 1\r\n"));
}

static void test_a_change_that_was_not_made_says_why(void **state) {
    static const struct {
        enum gw_status status;
        enum db_refusal refusal;
        int answer;
        const char *code;
    } cases[] = {
        {GW_DENIED, DB_REFUSAL_NOT_LIVE, 401, "\"invalid_token\""},
        {GW_DENIED, DB_REFUSAL_OTHER_ORG, 403, "\"org_mismatch\""},
        {GW_DENIED, DB_REFUSAL_NOT_ADMIN, 403, "the scope admin."},
        {GW_DENIED, DB_REFUSAL_NOT_BOUND, 422, "allowedIps must lie within"},
        {GW_DENIED, DB_REFUSAL_IN_PROGRESS, 409, "\"request_in_progress\""},
        {GW_DENIED, DB_REFUSAL_OTHER_BODY, 422, "Idempotency-Key was used"},
        {GW_DENIED, DB_REFUSAL_OUTLIVES_MAKER, 422, "selfRotate needs a token that asks without"},
        {GW_DENIED, DB_REFUSAL_NOT_SELF_ROTATING, 403, "\"self_rotation_not_allowed\""},
        {GW_DENIED, DB_REFUSAL_ROTATED_TOO_OFTEN, 403, "10000 rotations within 30 days"},
        {GW_NOT_FOUND, DB_REFUSAL_NONE, 404, "no live token with this id"},
        {GW_BUSY, DB_REFUSAL_NONE, 503, "The change waited"},
        {GW_CLOSED, DB_REFUSAL_NONE, 503, "cannot be reached"},
    };
    struct noted_exchange *noted = *state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        gw_api_reply_change(&noted->exchange, cases[i].status, cases[i].refusal);
        assert_answer(noted, cases[i].answer, cases[i].code);
        assert_int_equal(noted_exchange_has(noted, "Retry-After: 2\r\n"), cases[i].answer == 409);
        noted_exchange_end(noted);
        noted_exchange_start(noted, HTTP_POST);
    }
}

static void test_a_token_that_would_end_too_late_is_told_the_latest_end(void **state) {
    struct noted_exchange *noted = *state;
    gw_api_reply_ends_too_late(&noted->exchange, 1769860800000);
    assert_answer(noted, 422, "expiresAt must not be after 2026-01-31T12:00:00.000Z, the end");
}

static void test_a_successor_that_would_live_too_long_is_told_the_latest_end(void **state) {
    struct noted_exchange *noted = *state;
    gw_api_reply_lives_too_long(&noted->exchange, 1769860800000);
    assert_answer(noted, 422, "expiresAt must not be after 2026-01-31T12:00:00.000Z, so that the");
}

static void test_a_call_is_all_zero(void **state) {
    struct noted_exchange *noted = *state;
    static const unsigned char zero[300];
    memset(gw_arena_allocate(&noted->exchange.arena, sizeof(zero)), 0xff, sizeof(zero));
    gw_arena_reset(&noted->exchange.arena);
    void *call = gw_api_reply_start_call(&noted->exchange, sizeof(zero));
    assert_non_null(call);
    assert_memory_equal(call, zero, sizeof(zero));
}

static void test_a_call_that_has_no_room_is_unavailable(void **state) {
    struct noted_exchange *noted = *state;
    assert_null(gw_api_reply_start_call(&noted->exchange, (size_t)1024 * 1024 * 1024));
    assert_answer(noted, 503, "The gateway is out of memory.");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, noted_exchange_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_document_is_answered_as_it_was_written),
        TEST(test_a_document_that_has_no_room_is_unavailable),
        TEST(test_a_statement_that_failed_is_unavailable),
        TEST(test_a_change_that_was_not_made_says_why),
        TEST(test_a_token_that_would_end_too_late_is_told_the_latest_end),
        TEST(test_a_successor_that_would_live_too_long_is_told_the_latest_end),
        TEST(test_a_call_is_all_zero),
        TEST(test_a_call_that_has_no_room_is_unavailable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
