// SPDX-License-Identifier: MIT
// A fetch over an upstream of the test's own: what follows stands in for gateway/upstream/pool.c at
// link time. What goes over a real connection is in tests/e2e/test_issuer_keys.py.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/issuers/fetch.h"
#include "gateway/oidc/jwk.h"
#include "gateway/upstream/pool.h"

#define DOCUMENT(keys) "{\"issuer\":\"https://a.test/org\",\"jwks_uri\":\"" keys "\"}"

// ---- what the fetch stands on ----

struct gw_upstream {
    char origin[256];
    bool is_through_proxy;
    enum gw_status starts_with; // what the next starts return
    int started, aborted, closed;
    struct gw_upstream_call *call; // NULL: none is under way
    const struct gw_upstream_call_events *events;
    char line[512];
    char fields[8192];
};

static struct gw_upstream stub;

enum gw_status gw_upstream_create(const struct gw_services *services,
                                  const struct gw_upstream_options *options,
                                  struct gw_upstream **upstream,
                                  struct gw_upstream_problem *problem) {
    (void)services;
    (void)problem;
    stub = (struct gw_upstream){.starts_with = GW_OK};
    assert_int_equal(options->text_count, 1);
    (void)snprintf(stub.origin, sizeof(stub.origin), "%s", options->texts[0]);
    stub.is_through_proxy = options->proxy != NULL;
    *upstream = &stub;
    return GW_OK;
}

void gw_upstream_close(struct gw_upstream *upstream,
                       void (*on_closed)(struct gw_upstream *upstream)) {
    assert_null(on_closed);
    assert_null(upstream->call);
    upstream->closed++;
}

static void keep(char *text, size_t bytes, struct gw_str from) {
    assert_true(from.length < bytes);
    (void)snprintf(text, bytes, "%.*s", GW_STR_ARG(from));
}

enum gw_status gw_upstream_call_start(struct gw_upstream *upstream, struct gw_upstream_call *call,
                                      const struct gw_upstream_call_events *events,
                                      const struct gw_upstream_request *request) {
    assert_null(upstream->call);
    assert_true(request->is_idempotent && request->body == GW_UPSTREAM_NO_BODY);
    call->reason = "could not connect";
    if (upstream->starts_with != GW_OK)
        return upstream->starts_with;
    keep(upstream->line, sizeof(upstream->line), request->line);
    keep(upstream->fields, sizeof(upstream->fields), request->fields);
    upstream->call = call;
    upstream->events = events;
    upstream->started++;
    return GW_OK;
}

void gw_upstream_call_abort(struct gw_upstream_call *call) {
    if (stub.call == call)
        stub.aborted++;
    stub.call = NULL;
}

static void answer_head(int status) {
    const struct gw_http_head head = {.status = status};
    stub.events->on_head(stub.call, &head);
}

static void answer_body(const char *text) {
    stub.events->on_body(stub.call, gw_str_from(text));
}

// It is over for the upstream before the caller hears of it.
static void answer_end(void) {
    struct gw_upstream_call *call = stub.call;
    stub.call = NULL;
    stub.events->on_end(call);
}

static void answer(const char *text) {
    answer_head(200);
    answer_body(text);
    answer_end();
}

static void break_off(const char *reason) {
    struct gw_upstream_call *call = stub.call;
    stub.call = NULL;
    call->reason = reason;
    stub.events->on_error(call, GW_CLOSED);
}

// ---- a fetch ----

static struct {
    uv_loop_t loop;
    struct gw_services services;
    struct gw_issuer_setting setting;
    struct gw_issuer_fetch fetch;
    int done;
    enum gw_status status;
    char keys[256];
} world;

static void on_done(struct gw_issuer_fetch *fetch, enum gw_status status, struct gw_str keys) {
    assert_ptr_equal(fetch, &world.fetch);
    assert_false(fetch->is_busy);
    world.done++;
    world.status = status;
    keep(world.keys, sizeof(world.keys), gw_str_slice(keys, 0, sizeof(world.keys) - 1));
}

static void open_fetch(const char *issuer, const char *keys) {
    const struct gw_issuer_proxy proxy = {.is_set = false};
    struct gw_upstream_problem problem;
    memset(&world, 0, sizeof(world));
    assert_int_equal(uv_loop_init(&world.loop), 0);
    world.services.loop = &world.loop;
    world.setting = (struct gw_issuer_setting){.name = "ci", .issuer = issuer, .keys = keys};
    assert_int_equal(
        gw_issuer_fetch_open(&world.fetch, &world.services, &world.setting, &proxy, &problem),
        GW_OK);
    world.fetch.on_done = on_done;
}

static void close_fetch(void) {
    gw_issuer_fetch_close(&world.fetch);
    assert_int_equal(stub.closed, 1);
    assert_int_equal(uv_run(&world.loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&world.loop), 0);
}

static void start(const char *bearer) {
    assert_int_equal(gw_issuer_fetch_start(&world.fetch, gw_str_from(bearer)), GW_OK);
    assert_true(world.fetch.is_busy);
    assert_int_equal(world.done, 0);
}

static void expect_failure(const char *problem) {
    assert_int_equal(world.done, 1);
    assert_int_not_equal(world.status, GW_OK);
    assert_string_equal(world.fetch.problem, problem);
    assert_null(stub.call);
    assert_false(uv_is_active((const uv_handle_t *)&world.fetch.timer));
}

static void test_the_discovery_leads_to_the_keys(void **state) {
    (void)state;
    open_fetch("https://a.test/org", NULL);
    assert_string_equal(stub.origin, "https://a.test");
    start("");
    assert_string_equal(stub.line, "GET /org/.well-known/openid-configuration HTTP/1.1\r\n");
    assert_null(strstr(stub.fields, "Authorization"));
    answer(DOCUMENT("https://a.test/keys?v=1"));
    assert_string_equal(stub.line, "GET /keys?v=1 HTTP/1.1\r\n");
    assert_int_equal(world.done, 0);
    answer("{\"keys\":[]}");
    assert_int_equal(world.done, 1);
    assert_int_equal(world.status, GW_OK);
    assert_string_equal(world.keys, "{\"keys\":[]}");
    close_fetch();
}

static void test_a_slash_behind_the_issuer_is_not_doubled(void **state) {
    (void)state;
    open_fetch("https://a.test/org/", NULL);
    start("");
    assert_string_equal(stub.line, "GET /org/.well-known/openid-configuration HTTP/1.1\r\n");
    close_fetch();
    open_fetch("https://a.test", NULL);
    start("");
    assert_string_equal(stub.line, "GET /.well-known/openid-configuration HTTP/1.1\r\n");
    close_fetch();
}

static void test_a_named_place_is_asked_alone(void **state) {
    (void)state;
    open_fetch("https://a.test", "https://b.test:8443/jwks?x=1");
    assert_string_equal(stub.origin, "https://b.test:8443");
    start("secret.token");
    assert_string_equal(stub.line, "GET /jwks?x=1 HTTP/1.1\r\n");
    assert_non_null(strstr(stub.fields, "\r\nAuthorization: Bearer secret.token\r\n\r\n"));
    answer_head(200);
    answer_body("{\"keys\"");
    answer_body(":[]}");
    answer_end();
    assert_string_equal(world.keys, "{\"keys\":[]}");
    assert_int_equal(stub.started, 1);
    for (size_t i = 0; i < sizeof(world.fetch.fields); i++)
        assert_int_equal(world.fetch.fields[i], 0); // the secret is wiped
    close_fetch();
    open_fetch("https://a.test", "https://b.test");
    start("");
    assert_string_equal(stub.line, "GET / HTTP/1.1\r\n");
    close_fetch();
}

static void test_another_status_is_a_failure(void **state) {
    (void)state;
    open_fetch("https://a.test/org", NULL);
    start("");
    answer_head(404);
    expect_failure("it answered 404 to the discovery");
    world.done = 0;
    start("");
    answer(DOCUMENT("https://a.test/keys"));
    answer_head(302);
    expect_failure("it answered 302 to the question for its keys, and redirects are not followed");
    close_fetch();
}

static void test_a_document_that_leads_elsewhere_is_a_failure(void **state) {
    (void)state;
    open_fetch("https://a.test/org", NULL);
    start("");
    answer(DOCUMENT("https://b.test/keys"));
    expect_failure("the jwks_uri of its discovery document is on another host: if it is right, "
                   "name it in `keys`");
    world.done = 0;
    start("");
    answer("<html>");
    expect_failure("its discovery document is no JSON object");
    assert_int_equal(stub.started, 2);
    close_fetch();
}

static void test_an_answer_is_bounded(void **state) {
    static char most[GW_JWK_SET_BYTES_MAX + 1];
    (void)state;
    memset(most, 'x', GW_JWK_SET_BYTES_MAX);
    open_fetch("https://a.test", "https://a.test/keys");
    start("");
    answer(most);
    assert_int_equal(world.status, GW_OK);
    world.done = 0;
    start("");
    answer_head(200);
    answer_body(most);
    assert_int_equal(world.done, 0);
    answer_body("x");
    expect_failure("its answer is longer than 64 KiB");
    assert_int_equal(stub.aborted, 1);
    close_fetch();
}

static void test_what_breaks_off_says_why(void **state) {
    (void)state;
    open_fetch("https://a.test/org", NULL);
    start("");
    break_off("the connection closed before a response");
    expect_failure("the connection closed before a response");
    world.done = 0;
    start("");
    stub.starts_with = GW_UNAVAILABLE; // for the second request
    answer(DOCUMENT("https://a.test/keys"));
    expect_failure("could not connect");
    close_fetch();
}

static void test_a_start_that_fails_calls_nobody(void **state) {
    (void)state;
    open_fetch("https://a.test", NULL);
    stub.starts_with = GW_UNAVAILABLE;
    assert_int_equal(gw_issuer_fetch_start(&world.fetch, GW_STR("")), GW_UNAVAILABLE);
    assert_string_equal(world.fetch.problem, "could not connect");
    assert_int_equal(world.done, 0);
    assert_false(world.fetch.is_busy);
    stub.starts_with = GW_OK;
    start("");
    close_fetch();
}

// One clock for both requests.
static void test_the_time_is_bounded(void **state) {
    (void)state;
    open_fetch("https://a.test/org", NULL);
    start("");
    assert_int_equal(uv_timer_get_due_in(&world.fetch.timer), GW_ISSUER_FETCH_MS);
    uv_timer_stop(&world.fetch.timer);
    world.fetch.timer.timer_cb(&world.fetch.timer);
    expect_failure("it did not answer whole within ten seconds");
    assert_int_equal(stub.aborted, 1);
    close_fetch();
}

static void test_a_close_is_silent(void **state) {
    (void)state;
    open_fetch("https://a.test/org", NULL);
    start("secret.token");
    answer(DOCUMENT("https://a.test/keys"));
    close_fetch();
    assert_int_equal(world.done, 0);
    assert_int_equal(stub.aborted, 1);
}

static void test_the_proxy_is_handed_on(void **state) {
    const struct gw_issuer_proxy proxy = {.is_set = true};
    struct gw_upstream_problem problem;
    (void)state;
    open_fetch("https://a.test", NULL);
    assert_false(stub.is_through_proxy);
    close_fetch();
    assert_int_equal(uv_loop_init(&world.loop), 0);
    assert_int_equal(
        gw_issuer_fetch_open(&world.fetch, &world.services, &world.setting, &proxy, &problem),
        GW_OK);
    assert_true(stub.is_through_proxy);
    close_fetch();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_discovery_leads_to_the_keys),
        cmocka_unit_test(test_a_slash_behind_the_issuer_is_not_doubled),
        cmocka_unit_test(test_a_named_place_is_asked_alone),
        cmocka_unit_test(test_another_status_is_a_failure),
        cmocka_unit_test(test_a_document_that_leads_elsewhere_is_a_failure),
        cmocka_unit_test(test_an_answer_is_bounded),
        cmocka_unit_test(test_what_breaks_off_says_why),
        cmocka_unit_test(test_a_start_that_fails_calls_nobody),
        cmocka_unit_test(test_the_time_is_bounded),
        cmocka_unit_test(test_a_close_is_silent),
        cmocka_unit_test(test_the_proxy_is_handed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
