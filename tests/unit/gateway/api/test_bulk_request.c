// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "gateway/api/bulk_request.h"
#include "gateway/exchange/exchange.h"
#include "token/limits.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define BODY_BYTES_MAX 65536

static int set_up(void **state) {
    struct gw_arena *arena = test_malloc(sizeof(*arena));
    gw_arena_init(arena, GW_REQUEST_ARENA_BYTES_MAX);
    *state = arena;
    return 0;
}

static int tear_down(void **state) {
    gw_arena_deinit(*state);
    test_free(*state);
    return 0;
}

static void test_ids_in_the_order_given(void **state) {
    struct gw_bulk_request request;
    struct gw_refusal refusal;
    assert_true(gw_bulk_request_parse(*state, GW_STR("{\"ids\":[\"clb\",\"cla\",\"\\u0063lc\"]}"),
                                      &request, &refusal));
    assert_int_equal(request.count, 3);
    assert_true(gw_str_equal(request.ids[0], GW_STR("clb")));
    assert_true(gw_str_equal(request.ids[1], GW_STR("cla")));
    assert_true(gw_str_equal(request.ids[2], GW_STR("clc")));
}

static void test_what_is_refused_is_named(void **state) {
    static const struct {
        const char *body;
        int status;
        const char *named;
    } cases[] = {
        {"", 400, ""},
        {"{\"ids\":[\"cla\"]", 400, ""},
        {"[\"cla\"]", 422, "object"},
        {"{}", 422, "ids"},
        {"{\"ids\":null}", 422, "1 to 1000"},
        {"{\"ids\":[]}", 422, "1 to 1000"},
        {"{\"ids\":\"cla\"}", 422, "1 to 1000"},
        {"{\"ids\":[\"cla\",7]}", 422, "ids[1]"},
        {"{\"ids\":[\"\"]}", 422, "ids[0]"},
        {"{\"ids\":[\"CLA\"]}", 422, "ids[0]"},
        {"{\"ids\":[\"cla\",\"clb\",\"cla\"]}", 422, "is there twice"},
        {"{\"ids\":[\"cla\",\"\\u0063la\"]}", 422, "is there twice"},
        {"{\"ids\":[\"cla\"],\"id\":\"clb\"}", 422, "id"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_bulk_request request;
        struct gw_refusal refusal = {0};
        if (gw_bulk_request_parse(*state, gw_str_from(cases[i].body), &request, &refusal))
            fail_msg("%s was let through", cases[i].body);
        if (gw_error_row(refusal.error)->status != cases[i].status ||
            (cases[i].named[0] != '\0' && strstr(refusal.message, cases[i].named) == NULL))
            fail_msg("%s: %d, %s", cases[i].body, gw_error_row(refusal.error)->status,
                     refusal.message);
    }
}

static bool parse_many(struct gw_arena *arena, int count, struct gw_bulk_request *request) {
    struct gw_refusal refusal;
    struct gw_buf body;
    gw_buf_init(&body, BODY_BYTES_MAX);
    enum gw_status status = gw_buf_printf(&body, "{\"ids\":[");
    for (int i = 0; i < count && status == GW_OK; i++)
        status = gw_buf_printf(&body, "%s\"cl%d\"", i > 0 ? "," : "", i);
    assert_int_equal(status, GW_OK);
    assert_int_equal(gw_buf_printf(&body, "]}"), GW_OK);
    bool is_right = gw_bulk_request_parse(arena, gw_buf_bytes(&body), request, &refusal);
    gw_buf_deinit(&body);
    return is_right;
}

static void test_as_many_as_one_request_may_revoke(void **state) {
    struct gw_bulk_request request;
    assert_true(parse_many(*state, GW_BULK_REVOKE_MAX, &request));
    assert_int_equal(request.count, GW_BULK_REVOKE_MAX);
    assert_false(parse_many(*state, GW_BULK_REVOKE_MAX + 1, &request));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_ids_in_the_order_given),
        TEST(test_what_is_refused_is_named),
        TEST(test_as_many_as_one_request_may_revoke),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
