// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "db/time.h"
#include "gateway/api/change_request.h"
#include "gateway/exchange/exchange.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NOW_MS INT64_C(1767225600000) // 2026-01-01T00:00:00Z

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

static struct gw_change_request parsed(struct gw_arena *arena, const char *body) {
    struct gw_change_request request;
    struct gw_refusal refusal;
    if (!gw_change_request_parse(arena, gw_str_from(body), NOW_MS, &request, &refusal))
        fail_msg("%s: %s", body, refusal.message);
    return request;
}

static void test_what_is_not_named_stays(void **state) {
    struct gw_change_request request = parsed(*state, "{\"name\":\"ci\"}");
    assert_true(gw_str_equal(request.name, GW_STR("ci")));
    assert_null(request.description.at);
    assert_int_equal(request.expires_ms, DB_NO_TIME);
    assert_int_equal(request.scopes, 0);
    assert_false(request.has_addresses);
}

static void test_a_null_description_is_none(void **state) {
    struct gw_change_request request = parsed(*state, "{\"description\":null}");
    assert_non_null(request.description.at);
    assert_int_equal(request.description.length, 0);
    request = parsed(*state, "{\"description\":\"of the fleet\"}");
    assert_true(gw_str_equal(request.description, GW_STR("of the fleet")));
}

static void test_an_end_as_a_time_and_as_a_length(void **state) {
    assert_int_equal(parsed(*state, "{\"expiresAt\":\"2026-01-02T00:00:00Z\"}").expires_ms,
                     NOW_MS + 86400000);
    assert_int_equal(parsed(*state, "{\"expiresIn\":3600}").expires_ms, NOW_MS + 3600000);
}

static void test_scopes_and_addresses(void **state) {
    struct gw_change_request request =
        parsed(*state, "{\"scopes\":[\"read\"],\"allowedIps\":[\"10.0.0.0/8\"]}");
    assert_int_not_equal(request.scopes, 0);
    assert_true(request.has_addresses);
    assert_int_equal(request.addresses.count, 1);
    assert_true(parsed(*state, "{\"allowedIps\":null}").has_addresses);
}

static void test_what_is_refused_is_named(void **state) {
    static const struct {
        const char *body;
        int status;
        const char *named;
    } cases[] = {
        {"", 400, ""},
        {"{\"name\":", 400, ""},
        {"[]", 422, "object"},
        {"{}", 422, "nothing to change"},
        {"{\"name\":\"ci\",\"scope\":[\"read\"]}", 422, "scope"},
        {"{\"name\":null}", 422, "name"},
        {"{\"name\":\"\"}", 422, "name"},
        {"{\"description\":7}", 422, "description"},
        {"{\"expiresAt\":null}", 422, "expiresAt"},
        {"{\"expiresIn\":null}", 422, "expiresIn"},
        {"{\"expiresAt\":\"2025-12-31T23:59:59Z\"}", 422, "expiresAt"},
        {"{\"expiresAt\":\"2026-01-02T00:00:00Z\",\"expiresIn\":60}", 422, "expires"},
        {"{\"scopes\":[]}", 422, "scopes"},
        {"{\"scopes\":[\"reads\"]}", 422, "scopes"},
        {"{\"allowedIps\":[\"10.0.0.0/33\"]}", 422, "allowedIps"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_change_request request;
        struct gw_refusal refusal = {0};
        if (gw_change_request_parse(*state, gw_str_from(cases[i].body), NOW_MS, &request, &refusal))
            fail_msg("%s was let through", cases[i].body);
        if (gw_error_row(refusal.error)->status != cases[i].status ||
            (cases[i].named[0] != '\0' && strstr(refusal.message, cases[i].named) == NULL))
            fail_msg("%s: %d, %s", cases[i].body, gw_error_row(refusal.error)->status,
                     refusal.message);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_not_named_stays),          TEST(test_a_null_description_is_none),
        TEST(test_an_end_as_a_time_and_as_a_length), TEST(test_scopes_and_addresses),
        TEST(test_what_is_refused_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
