// SPDX-License-Identifier: MIT
// An upstream whose name changes its addresses. The resolver says what the test
// wants, and the clock of libuv is one that the test moves: the registry is at one port of
// 127.0.0.1, or of 127.0.0.2, or of both.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/loop/name.h"
#include "gateway/exchange/services.h"
#include "gateway/net/transport.h"
#include "gateway/upstream/pool.h"
#include "tests/support/resolver.h"
#include "tests/support/scripted_server.h"

#define WATCHDOG_MS 60000
#define OK_2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// ---- the clock ----

static uint64_t passed_ms; // in a moment

uint64_t uv_now(const uv_loop_t *loop) {
    return loop->time + passed_ms;
}

// ---- the upstream ----

struct fixture {
    uv_loop_t loop;
    uv_timer_t watchdog;
    struct gw_services services;
    struct gw_metrics metrics;
    struct gw_deadline_kind kinds[GW_DEADLINE_COUNT];
    struct gw_deadlines deadlines;
    struct gw_upstream *upstream;
    struct scripted_server servers[2]; // at 127.0.0.1 and 127.0.0.2
    char url[64];
};

struct caller {
    struct gw_upstream_call call;
    bool is_answered, is_failed;
};

static void on_head(struct gw_upstream_call *call, const struct gw_http_head *head) {
    (void)call;
    assert_int_equal(head->status, 200);
}

static void on_body(struct gw_upstream_call *call, struct gw_str bytes) {
    (void)call;
    (void)bytes;
}

static void on_end(struct gw_upstream_call *call) {
    gw_container_of(call, struct caller, call)->is_answered = true;
}

static void on_error(struct gw_upstream_call *call, enum gw_status status) {
    (void)status;
    gw_container_of(call, struct caller, call)->is_failed = true;
}

static const struct gw_upstream_call_events call_events = {
    .on_head = on_head, .on_body = on_body, .on_end = on_end, .on_error = on_error};

static void on_watchdog(uv_timer_t *timer) {
    (void)timer;
    fail_msg("nothing happened for too long");
}

static void open_fixture(struct fixture *fixture, const struct script_step *const *first,
                         const struct script_step *const *second) {
    const char *const texts[] = {fixture->url};
    struct gw_upstream_problem problem;
    memset(fixture, 0, sizeof(*fixture));
    test_resolver_reset();
    passed_ms = 0;
    gw_log_set_level(GW_LOG_ERROR);
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    assert_int_equal(uv_timer_init(&fixture->loop, &fixture->watchdog), 0);
    assert_int_equal(uv_timer_start(&fixture->watchdog, on_watchdog, WATCHDOG_MS, 0), 0);
    for (int i = 0; i < GW_DEADLINE_COUNT; i++)
        gw_deadline_kind_init(&fixture->kinds[i], 2 * WATCHDOG_MS);
    gw_deadlines_open(&fixture->deadlines, &fixture->loop, fixture->kinds, GW_DEADLINE_COUNT);
    fixture->services.loop = &fixture->loop;
    fixture->services.deadlines = fixture->kinds;
    fixture->services.metrics = &fixture->metrics;
    assert_int_equal(gw_transport_shared_create(&fixture->services.transport_shared), GW_OK);
    scripted_server_open(&fixture->servers[0], &fixture->loop, first);
    scripted_server_open_at(&fixture->servers[1], &fixture->loop, "127.0.0.2",
                            fixture->servers[0].port, second);
    (void)snprintf(fixture->url, sizeof(fixture->url), "http://registry.test:%d",
                   fixture->servers[0].port);
    assert_int_equal(
        gw_upstream_create(&fixture->services,
                           &(struct gw_upstream_options){.texts = texts, .text_count = 1},
                           &fixture->upstream, &problem),
        GW_OK);
}

static void close_fixture(struct fixture *fixture) {
    gw_upstream_close(fixture->upstream, NULL);
    scripted_server_close(&fixture->servers[0]);
    scripted_server_close(&fixture->servers[1]);
    gw_deadlines_close(&fixture->deadlines, NULL);
    uv_close((uv_handle_t *)&fixture->watchdog, NULL);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    gw_transport_shared_destroy(fixture->services.transport_shared);
    scripted_server_deinit(&fixture->servers[0]);
    scripted_server_deinit(&fixture->servers[1]);
}

// Returns once the upstream knows.
static void resolve_to(struct fixture *fixture, const char *first, const char *second) {
    int taken = test_resolver_taken();
    test_resolver_answer(1, first, second);
    while (test_resolver_taken() == taken)
        uv_run(&fixture->loop, UV_RUN_ONCE);
}

static void let_interval_pass(uv_handle_t *handle, void *argument) {
    (void)argument;
    uv_timer_t *timer = (uv_timer_t *)handle;
    if (handle->type == UV_TIMER && uv_timer_get_repeat(timer) == GW_NAME_INTERVAL_MS)
        timer->timer_cb(timer);
}

static void look_up_again(struct fixture *fixture) {
    passed_ms += GW_NAME_INTERVAL_MS;
    uv_walk(&fixture->loop, let_interval_pass, NULL);
}

static void start(struct fixture *fixture, struct caller *caller) {
    static const struct gw_upstream_request request = {.line = GW_STR_INIT("GET /a HTTP/1.1\r\n"),
                                                       .fields = GW_STR_INIT("\r\n"),
                                                       .is_idempotent = true};
    *caller = (struct caller){.is_answered = false};
    assert_int_equal(
        gw_upstream_call_start(fixture->upstream, &caller->call, &call_events, &request), GW_OK);
}

static void run_until_answered(struct fixture *fixture, const struct caller *caller) {
    while (!caller->is_answered) {
        assert_false(caller->is_failed);
        uv_run(&fixture->loop, UV_RUN_ONCE);
    }
}

static void get(struct fixture *fixture) {
    struct caller caller;
    start(fixture, &caller);
    run_until_answered(fixture, &caller);
}

static struct gw_upstream_stats stats_of(const struct fixture *fixture) {
    struct gw_upstream_stats stats;
    gw_upstream_stats(fixture->upstream, &stats);
    return stats;
}

// clang-format off
#define ANSWER {.kind = SCRIPT_AWAIT, .text = "\r\n\r\n"}, {.kind = SCRIPT_SEND, .text = OK_2}
// clang-format on
static const struct script_step answers[] = {ANSWER, ANSWER, ANSWER, {.kind = SCRIPT_END}};
static const struct script_step held[] = {{.kind = SCRIPT_AWAIT, .text = "\r\n\r\n"},
                                          {.kind = SCRIPT_HOLD},
                                          {.kind = SCRIPT_SEND, .text = OK_2},
                                          {.kind = SCRIPT_END}};

static void test_a_request_waits_for_the_first_lookup(void **state) {
    (void)state;
    static const struct script_step *const scripts[] = {answers, NULL};
    struct fixture fixture;
    struct caller caller;
    open_fixture(&fixture, scripts, scripts);
    start(&fixture, &caller);
    assert_int_equal(stats_of(&fixture).connections_opening, 1);
    resolve_to(&fixture, "127.0.0.1", NULL);
    run_until_answered(&fixture, &caller);
    close_fixture(&fixture);
}

static void test_a_new_address_gets_requests(void **state) {
    (void)state;
    static const struct script_step *const scripts[] = {answers, NULL};
    struct fixture fixture;
    open_fixture(&fixture, scripts, scripts);
    resolve_to(&fixture, "127.0.0.1", NULL);
    get(&fixture);
    look_up_again(&fixture);
    resolve_to(&fixture, "127.0.0.1", "127.0.0.2");
    get(&fixture);
    get(&fixture);
    assert_int_equal(fixture.servers[0].connection_count, 1);
    assert_int_equal(fixture.servers[1].connection_count, 1);
    close_fixture(&fixture);
}

static void test_an_address_that_is_gone_is_drained(void **state) {
    (void)state;
    static const struct script_step *const first[] = {answers, held, NULL};
    static const struct script_step *const second[] = {answers, NULL};
    struct fixture fixture;
    struct caller slow, another;
    open_fixture(&fixture, first, second);
    resolve_to(&fixture, "127.0.0.1", NULL);
    start(&fixture, &another);
    start(&fixture, &slow);
    run_until_answered(&fixture, &another);
    while (fixture.servers[0].connections[1].received_bytes == 0)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    assert_int_equal(stats_of(&fixture).connections_idle, 1);
    look_up_again(&fixture);
    resolve_to(&fixture, "127.0.0.2", NULL);
    assert_int_equal(stats_of(&fixture).connections_idle, 0);
    assert_int_equal(stats_of(&fixture).connections_busy, 1);
    get(&fixture);
    assert_int_equal(fixture.servers[1].connection_count, 1);
    scripted_server_release(&fixture.servers[0], 1);
    run_until_answered(&fixture, &slow);
    assert_int_equal(stats_of(&fixture).connections_idle, 1); // of the other
    close_fixture(&fixture);
}

static void test_a_lookup_that_fails_changes_nothing(void **state) {
    (void)state;
    static const struct script_step *const scripts[] = {answers, NULL};
    struct fixture fixture;
    open_fixture(&fixture, scripts, scripts);
    resolve_to(&fixture, "127.0.0.1", NULL);
    get(&fixture);
    look_up_again(&fixture);
    resolve_to(&fixture, NULL, NULL);
    assert_int_equal(stats_of(&fixture).connections_idle, 1);
    get(&fixture);
    assert_int_equal(fixture.servers[0].connection_count, 1);
    close_fixture(&fixture);
}

static const struct script_step *says_keep_alive(const char *value) {
    static char response[256];
    static const struct script_step script[] = {{.kind = SCRIPT_AWAIT, .text = "\r\n\r\n"},
                                                {.kind = SCRIPT_SEND, .text = response},
                                                {.kind = SCRIPT_AWAIT, .text = "\r\n\r\n"},
                                                {.kind = SCRIPT_SEND, .text = response},
                                                {.kind = SCRIPT_END}};
    (void)snprintf(response, sizeof(response),
                   "HTTP/1.1 200 OK\r\nKeep-Alive: %s\r\nContent-Length: 2\r\n\r\nok", value);
    return script;
}

static void test_a_connection_that_is_about_to_be_closed_is_not_used_again(void **state) {
    (void)state;
    static const struct {
        const char *keep_alive;
        uint64_t parked_ms;
        int connections;
    } cases[] = {
        {"timeout=5", 1000, 1},
        {"timeout=5", 4000, 2},
        {"max=99, Timeout=5 ", 4000, 2},
        {"timeout=1", 500, 2},
        {"timeout=0", 0, 2},
        {"timeout=five, max=5", 9000, 1},
        {"timeout=99999999999999999999", 9000, 1},
        {"timeout", 9000, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct script_step *script = says_keep_alive(cases[i].keep_alive);
        const struct script_step *const scripts[] = {script, script, NULL};
        struct fixture fixture;
        open_fixture(&fixture, scripts, scripts);
        resolve_to(&fixture, "127.0.0.1", NULL);
        get(&fixture);
        passed_ms += cases[i].parked_ms;
        get(&fixture);
        if (fixture.servers[0].connection_count != cases[i].connections)
            fail_msg("%s", cases[i].keep_alive);
        close_fixture(&fixture);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_waits_for_the_first_lookup),
        cmocka_unit_test(test_a_new_address_gets_requests),
        cmocka_unit_test(test_an_address_that_is_gone_is_drained),
        cmocka_unit_test(test_a_lookup_that_fails_changes_nothing),
        cmocka_unit_test(test_a_connection_that_is_about_to_be_closed_is_not_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
