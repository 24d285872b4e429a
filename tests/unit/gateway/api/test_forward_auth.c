// SPDX-License-Identifier: MIT
// Questions that need no cache to decide; the others are in tests/e2e/test_forward_auth.py.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/api/forward_auth.h"
#include "tests/support/noted_exchange.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// `method` and `uri` NULL: no such field.
static void ask(struct noted_exchange *noted, const char *target, const char *method,
                const char *uri) {
    struct gw_exchange *exchange = noted_exchange_start(noted, HTTP_GET);
    struct gw_http_head *request = &noted->request;
    request->method_name = GW_STR("GET");
    request->target = gw_str_from(target);
    if (method != NULL)
        request->fields[request->field_count++] = (struct gw_http_field){
            GW_STR("X-Original-Method"), gw_str_from(method), GW_FIELD_OTHER};
    if (uri != NULL)
        request->fields[request->field_count++] =
            (struct gw_http_field){GW_STR("X-Original-URI"), gw_str_from(uri), GW_FIELD_OTHER};
    assert_int_equal(
        gw_router_match(GW_SITE_GATEWAY, request->method_name, request->target, &exchange->match),
        GW_ROUTE_FOUND);
    gw_forward_auth_start(exchange);
    assert_int_equal(noted->end_count, 1);
}

static void test_an_open_route_passes_with_an_empty_identity(void **state) {
    struct noted_exchange *noted = *state;
    ask(noted, "/authz", "GET", "/api/v1/public/a");
    assert_int_equal(noted->exchange.status, 200);
    assert_true(noted_exchange_has(noted, "\r\nX-SkillReg-Org: \r\n"));
    assert_true(noted_exchange_has(noted, "\r\nX-SkillReg-Token-Id: \r\n"));
    assert_true(noted_exchange_has(noted, "\r\nX-SkillReg-Scopes: \r\n"));
    assert_true(noted_exchange_has(noted, "\r\nX-SkillReg-Client-Subject: \r\n"));
    assert_int_equal(noted_exchange_body(noted).length, 0);
    noted_exchange_end(noted);
}

static void test_an_original_that_gets_nowhere_is_refused(void **state) {
    static const struct {
        const char *target, *method, *uri;
        int status;
        const char *code;
    } cases[] = {
        {"/authz", NULL, NULL, 400, "\"bad_request\""},
        {"/authz", "GET", NULL, 400, "\"bad_request\""},
        {"/authz", NULL, "/api/v1/search", 400, "\"bad_request\""},
        {"/authz", "GET", "/api/v1/../x", 400, "\"bad_request\""},
        {"/authz", "GET", "/api/v1/search?org=a&org=b", 400, "\"bad_request\""},
        {"/authz", "GET", "/nothing", 403, "\"not_found\""},
        {"/authz", "DELETE", "/api/v1/search", 403, "\"method_not_allowed\""},
        {"/authz", "GET", "/authz", 403, "\"not_found\""},
        {"/authz", "GET", "/authz/api/v1/search", 403, "\"not_found\""},
        {"/authz", "GET", "/api/v1/openapi.json", 403, "\"not_found\""},
        {"/authz", "GET", "/api/v1/orgs/acme/skills", 401, "\"missing_token\""},
        {"/authz/nothing", NULL, NULL, 403, "\"not_found\""},
        {"/authz/api/v1/auth/token", NULL, NULL, 403, "\"method_not_allowed\""},
        {"/authz/api/v1/auth/whoami", NULL, NULL, 401, "\"missing_token\""},
    };
    struct noted_exchange *noted = *state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        ask(noted, cases[i].target, cases[i].method, cases[i].uri);
        struct gw_str body = noted_exchange_body(noted);
        if (noted->exchange.status != cases[i].status ||
            memmem(body.at, body.length, cases[i].code, strlen(cases[i].code)) == NULL)
            fail_msg("case %zu: %.*s", i, GW_STR_ARG(body));
        noted_exchange_end(noted);
    }
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, noted_exchange_set_up, noted_exchange_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_an_open_route_passes_with_an_empty_identity),
        TEST(test_an_original_that_gets_nowhere_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
