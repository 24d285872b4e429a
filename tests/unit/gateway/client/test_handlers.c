// SPDX-License-Identifier: MIT
// Every route leads to its handler, and a handler to its calls. The handlers are the functions
// below.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/api/audit.h"
#include "gateway/api/bulk_revoke.h"
#include "gateway/api/change.h"
#include "gateway/api/create.h"
#include "gateway/api/device_login.h"
#include "gateway/api/forward_auth.h"
#include "gateway/api/hand_over.h"
#include "gateway/api/introspect.h"
#include "gateway/api/leaks_gitlab.h"
#include "gateway/api/oidc_audience.h"
#include "gateway/api/openapi.h"
#include "gateway/api/revoke.h"
#include "gateway/api/rotate.h"
#include "gateway/api/token_exchange.h"
#include "gateway/api/tokens.h"
#include "gateway/api/trust.h"
#include "gateway/api/trust_test.h"
#include "gateway/api/whoami.h"
#include "gateway/client/handlers.h"
#include "gateway/page/page.h"
#include "gateway/relay/relay.h"

#define TARGETS (GW_ROUTE_PAGE + 1)

static int started[TARGETS];

#define HANDLER(name, target)                                                                      \
    void name(struct gw_exchange *exchange) {                                                      \
        (void)exchange;                                                                            \
        started[target]++;                                                                         \
    }
HANDLER(gw_whoami_start, GW_ROUTE_WHOAMI)
HANDLER(gw_token_api_list, GW_ROUTE_TOKEN_LIST)
HANDLER(gw_token_api_show, GW_ROUTE_TOKEN_SHOW)
HANDLER(gw_token_create_start, GW_ROUTE_TOKEN_CREATE)
HANDLER(gw_token_api_revoke, GW_ROUTE_TOKEN_REVOKE)
HANDLER(gw_token_api_revoke_own, GW_ROUTE_TOKEN_REVOKE_OWN)
HANDLER(gw_token_change_start, GW_ROUTE_TOKEN_CHANGE)
HANDLER(gw_bulk_revoke_start, GW_ROUTE_TOKENS_REVOKE)
HANDLER(gw_token_rotate_start, GW_ROUTE_TOKEN_ROTATE)
HANDLER(gw_token_rotate_own_start, GW_ROUTE_TOKEN_ROTATE_OWN)
HANDLER(gw_audit_api_list, GW_ROUTE_AUDIT)
HANDLER(gw_token_exchange_start_form, GW_ROUTE_TOKEN_EXCHANGE)
HANDLER(gw_token_exchange_start_json, GW_ROUTE_TOKEN_EXCHANGE_JSON)
HANDLER(gw_oidc_audience_start, GW_ROUTE_OIDC_AUDIENCE)
HANDLER(gw_trust_test_start, GW_ROUTE_TRUST_TEST)
HANDLER(gw_trust_api_list, GW_ROUTE_TRUST_LIST)
HANDLER(gw_trust_api_show, GW_ROUTE_TRUST_SHOW)
HANDLER(gw_trust_api_create, GW_ROUTE_TRUST_CREATE)
HANDLER(gw_trust_api_remove, GW_ROUTE_TRUST_REMOVE)
HANDLER(gw_forward_auth_start, GW_ROUTE_FORWARD_AUTH)
HANDLER(gw_hand_over_start, GW_ROUTE_HAND_OVER)
HANDLER(gw_introspect_start, GW_ROUTE_INTROSPECT)
HANDLER(gw_device_login_start, GW_ROUTE_DEVICE_START)
HANDLER(gw_device_login_poll, GW_ROUTE_DEVICE_POLL)
HANDLER(gw_device_login_lookup, GW_ROUTE_DEVICE_LOOKUP)
HANDLER(gw_device_login_approve, GW_ROUTE_DEVICE_APPROVE)
HANDLER(gw_leaks_gitlab_start, GW_ROUTE_LEAKS_GITLAB)
HANDLER(gw_leaks_gitlab_start_types, GW_ROUTE_LEAK_TYPES_GITLAB)
HANDLER(gw_openapi_start, GW_ROUTE_OPENAPI)
HANDLER(gw_relay_start, GW_ROUTE_FORWARD)
HANDLER(gw_page_start, GW_ROUTE_PAGE)

struct fixture {
    uv_loop_t loop;
    struct gw_metrics metrics;
    struct gw_services services;
    struct gw_http_head request;
    struct gw_exchange exchange;
    struct gw_handler handler;
    struct gw_buf output;
    int body_count, body_end_count, writable_count, over_count;
};

static struct fixture *fixture_of(const struct gw_exchange *exchange) {
    return gw_container_of(exchange, struct fixture, exchange);
}

static struct gw_buf *on_output_asked(struct gw_exchange *exchange) {
    return &fixture_of(exchange)->output;
}

static void ignore(struct gw_exchange *exchange) {
    (void)exchange;
}

static const struct gw_exchange_owner_calls owner_calls = {.output = on_output_asked,
                                                           .on_output = ignore,
                                                           .on_response_end = ignore,
                                                           .on_response_broken = ignore};

static int set_up(void **state) {
    static const struct gw_config config = {.access_log = false};
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    fixture->services.loop = &fixture->loop;
    fixture->services.metrics = &fixture->metrics;
    fixture->services.config = &config;
    gw_buf_init(&fixture->output, SIZE_MAX);
    gw_exchange_init(&fixture->exchange, &fixture->services, &owner_calls);
    memset(started, 0, sizeof(started));
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

static struct gw_exchange *start(struct fixture *fixture, const char *method, const char *target) {
    fixture->request = (struct gw_http_head){.method_name = gw_str_from(method),
                                             .target = gw_str_from(target),
                                             .version_minor = 1,
                                             .keep_alive = true};
    gw_exchange_start(&fixture->exchange, &fixture->request);
    return &fixture->exchange;
}

static void test_every_route_starts_its_handler(void **state) {
    struct fixture *fixture = *state;
    int count;
    const struct gw_route *routes = gw_router_routes(&count);
    for (int i = 0; i < count; i++) {
        struct gw_exchange *exchange = start(fixture, "GET", "/");
        exchange->match.route = &routes[i];
        int before = started[routes[i].target];
        gw_handlers_start(exchange);
        assert_int_equal(started[routes[i].target], before + 1);
    }
    for (int target = 0; target < TARGETS; target++)
        assert_true(started[target] > 0);
}

static void test_a_route_is_found_by_method_and_target(void **state) {
    struct gw_exchange *exchange = start(*state, "GET", "/api/v1/auth/whoami");
    assert_true(gw_handlers_match(exchange));
    assert_int_equal(exchange->match.route->target, GW_ROUTE_WHOAMI);
    assert_int_equal(exchange->phase, GW_RESPONSE_NONE);
}

static void test_a_route_belongs_to_the_site_of_the_exchange(void **state) {
    struct gw_exchange *exchange = start(*state, "GET", "/tokens");
    exchange->body_complete = true;
    assert_false(gw_handlers_match(exchange));
    assert_int_equal(exchange->status, 404);
    exchange = start(*state, "GET", "/tokens");
    exchange->site = GW_SITE_PAGE;
    assert_true(gw_handlers_match(exchange));
    assert_int_equal(exchange->match.route->target, GW_ROUTE_PAGE);
}

static void test_what_has_no_handler_is_answered_here(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        const char *method, *target;
        int status;
    } cases[] = {
        {"GET", "/nowhere", 404},
        {"POST", "/api/v1/auth/whoami", 405},
        {"GET", "/api/v1/../auth/whoami", 400},
        {"GET", "/api/v1/search?org=a&org=b", 400},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gw_exchange *exchange = start(fixture, cases[i].method, cases[i].target);
        exchange->body_complete = true;
        assert_false(gw_handlers_match(exchange));
        assert_int_equal(exchange->status, cases[i].status);
        assert_int_equal(exchange->close_after, cases[i].status == 400);
    }
    struct gw_str output = gw_buf_bytes(&fixture->output);
    assert_non_null(memmem(output.at, output.length, "Allow: GET, HEAD\r\n", 18));
}

static void test_a_field_that_must_not_be_dropped_is_refused(void **state) {
    struct fixture *fixture = *state;
    struct gw_exchange *exchange = start(fixture, "GET", "/api/v1/auth/whoami");
    fixture->request.fields[0] = (struct gw_http_field){.id = GW_FIELD_CONNECTION,
                                                        .name = GW_STR("Connection"),
                                                        .value = GW_STR("X-SkillReg-Org-Id")};
    fixture->request.field_count = 1;
    assert_false(gw_handlers_match(exchange));
    assert_int_equal(exchange->status, 400);
}

// ---- what a handler is given ----

static struct fixture *fixture_of_handler(struct gw_handler *handler) {
    return gw_container_of(handler, struct fixture, handler);
}

static void on_body(struct gw_handler *handler, struct gw_str bytes) {
    assert_true(gw_str_equal(bytes, GW_STR("body")));
    fixture_of_handler(handler)->body_count++;
}

static void on_body_end(struct gw_handler *handler) {
    assert_true(handler->exchange->body_complete);
    fixture_of_handler(handler)->body_end_count++;
}

static void on_writable(struct gw_handler *handler) {
    fixture_of_handler(handler)->writable_count++;
}

static void on_over(struct gw_handler *handler) {
    fixture_of_handler(handler)->over_count++;
}

static const struct gw_handler_calls all_calls = {
    .on_body = on_body, .on_body_end = on_body_end, .on_writable = on_writable, .on_over = on_over};
static const struct gw_handler_calls no_calls;

static void pass_everything(struct gw_exchange *exchange) {
    gw_handlers_pass_body(exchange, GW_STR("body"));
    gw_handlers_end_body(exchange);
    gw_handlers_resume(exchange);
    gw_handlers_dismiss(exchange);
    gw_handlers_dismiss(exchange); // it was over already
}

static struct gw_exchange *start_with(struct fixture *fixture,
                                      const struct gw_handler_calls *calls) {
    struct gw_exchange *exchange = start(fixture, "GET", "/");
    fixture->handler = (struct gw_handler){.calls = calls, .exchange = exchange};
    exchange->handler = calls != NULL ? &fixture->handler : NULL;
    return exchange;
}

static void test_a_handler_gets_each_call_once(void **state) {
    struct fixture *fixture = *state;
    pass_everything(start_with(fixture, &all_calls));
    assert_int_equal(fixture->body_count, 1);
    assert_int_equal(fixture->body_end_count, 1);
    assert_int_equal(fixture->writable_count, 1);
    assert_int_equal(fixture->over_count, 1);
}

static void test_calls_that_nothing_implements_are_harmless(void **state) {
    struct fixture *fixture = *state;
    pass_everything(start_with(fixture, &no_calls));
    pass_everything(start_with(fixture, NULL));
    assert_true(fixture->exchange.body_complete);
}

static void test_no_body_is_passed_on_behind_the_response(void **state) {
    struct fixture *fixture = *state;
    struct gw_exchange *exchange = start_with(fixture, &all_calls);
    exchange->phase = GW_RESPONSE_DONE;
    gw_handlers_pass_body(exchange, GW_STR("body"));
    assert_int_equal(fixture->body_count, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_every_route_starts_its_handler),
        TEST(test_a_route_is_found_by_method_and_target),
        TEST(test_a_route_belongs_to_the_site_of_the_exchange),
        TEST(test_what_has_no_handler_is_answered_here),
        TEST(test_a_field_that_must_not_be_dropped_is_refused),
        TEST(test_a_handler_gets_each_call_once),
        TEST(test_calls_that_nothing_implements_are_harmless),
        TEST(test_no_body_is_passed_on_behind_the_response),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
