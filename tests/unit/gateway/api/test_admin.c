// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "db/pool.h"
#include "gateway/api/admin.h"
#include "gateway/auth/auth.h"
#include "gateway/auth/cache.h"
#include "tests/support/noted_exchange.h"

struct fixture {
    struct noted_exchange noted;
    struct gw_auth auth;
    struct gw_metrics workers[2]; // the first one's is asked
    enum gw_auth_means means;
};

static struct fixture *current;

// ---- the cache and the pool, which the linker takes in place of the library's ----

enum gw_auth_means gw_auth_cache_means(const struct gw_auth_cache *cache) {
    (void)cache;
    return current->means;
}

void db_pool_stats(const struct db_pool *pool, struct db_pool_stats *stats) {
    (void)pool;
    memset(stats, 0, sizeof(*stats));
    stats->connections_ready = 3;
    stats->queries_in_flight = 2;
    stats->queries_queued = 5;
}

// ---- the tests ----

static int set_up(void **state) {
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    noted_exchange_open(&fixture->noted);
    struct gw_services *services = &fixture->noted.services;
    services->auth = &fixture->auth;
    services->all_metrics = fixture->workers;
    services->metrics = &fixture->workers[0];
    services->worker_count = 2;
    services->has_decided = services->is_listening = true;
    *state = current = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    noted_exchange_close(&fixture->noted);
    test_free(fixture);
    return 0;
}

static void assert_answer(struct fixture *fixture, llhttp_method_t method, const char *target,
                          int status, const char *text) {
    struct gw_exchange *exchange = noted_exchange_start(&fixture->noted, method);
    fixture->noted.request.target = gw_str_from(target);
    gw_admin_start(exchange);
    struct gw_str body = noted_exchange_body(&fixture->noted);
    if (exchange->status != status || memmem(body.at, body.length, text, strlen(text)) == NULL)
        fail_msg("%s: %d %.*s", target, exchange->status, GW_STR_ARG(body));
    noted_exchange_end(&fixture->noted);
}

static void test_a_process_that_lives_says_so(void **state) {
    struct fixture *fixture = *state;
    fixture->means = GW_AUTH_BY_NOTHING;
    fixture->noted.services.is_draining = true;
    assert_answer(fixture, HTTP_GET, "/livez", 200, "ok\n");
    assert_answer(fixture, HTTP_GET, "/healthz", 200, "ok\n");
    assert_answer(fixture, HTTP_GET, "/healthz?x", 200, "ok\n");
}

static void test_it_is_ready_while_it_can_decide(void **state) {
    struct fixture *fixture = *state;
    static const struct {
        enum gw_auth_means means;
        int status;
        const char *text;
    } cases[] = {{GW_AUTH_BY_DATABASE, 200, "ready\n"},
                 {GW_AUTH_BY_MEMORY, 200, "ready for known tokens: the database does not answer\n"},
                 {GW_AUTH_BY_NOTHING, 503, "the database does not answer, and no token is known\n"},
                 {GW_AUTH_TOO_LATE, 503, "longer than --stale-read\n"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        fixture->means = cases[i].means;
        assert_answer(fixture, HTTP_GET, "/readyz", cases[i].status, cases[i].text);
    }
}

static void test_it_is_ready_before_neither_its_database_nor_its_port(void **state) {
    struct fixture *fixture = *state;
    struct gw_services *services = &fixture->noted.services;
    services->is_listening = false;
    assert_answer(fixture, HTTP_GET, "/readyz", 503, "not listening yet\n");
    services->has_decided = false;
    services->is_listening = true; // its patience was over
    fixture->means = GW_AUTH_BY_NOTHING;
    assert_answer(fixture, HTTP_GET, "/readyz", 503, "the database has not answered yet\n");
}

static void test_a_worker_that_stands_still_is_not_passed_over(void **state) {
    struct fixture *fixture = *state;
    fixture->workers[1].workers_ready = fixture->workers[1].workers_silent = 1;
    assert_answer(fixture, HTTP_GET, "/readyz", 503, "a worker stands still\n");
    assert_answer(fixture, HTTP_GET, "/livez", 200, "ok\n");
}

static void test_another_worker_that_is_ready_makes_it_so_unless_it_drains(void **state) {
    struct fixture *fixture = *state;
    fixture->means = GW_AUTH_BY_NOTHING;
    fixture->workers[1].workers_ready = 1;
    assert_answer(fixture, HTTP_GET, "/readyz", 200, "ready through another worker\n");
    fixture->noted.services.is_draining = true;
    assert_answer(fixture, HTTP_GET, "/readyz", 503, "draining\n");
}

static void test_it_has_started_once_it_could_decide(void **state) {
    struct fixture *fixture = *state;
    fixture->means = GW_AUTH_TOO_LATE;
    assert_answer(fixture, HTTP_GET, "/startupz", 200, "started\n");
    fixture->noted.services.has_decided = false;
    assert_answer(fixture, HTTP_GET, "/startupz", 503, "the database has not answered yet\n");
    fixture->workers[1].workers_ready = 1;
    assert_answer(fixture, HTTP_GET, "/startupz", 200, "started\n");
}

static void test_metrics_are_those_of_the_workers_and_of_the_pool(void **state) {
    struct fixture *fixture = *state;
    fixture->workers[1].rate_limited_total = 7;
    assert_answer(fixture, HTTP_GET, "/metrics", 200, "skillreg_gateway_rate_limited_total 7\n");
    assert_answer(fixture, HTTP_GET, "/metrics", 200,
                  "skillreg_gateway_database_connections_ready 3\n");
    assert_answer(fixture, HTTP_GET, "/metrics", 200,
                  "skillreg_gateway_database_queries_waiting 7\n");
    assert_answer(fixture, HTTP_GET, "/metrics", 200, "skillreg_gateway_changes_waiting 0\n");
}

static void test_anything_else_is_refused(void **state) {
    struct fixture *fixture = *state;
    assert_answer(fixture, HTTP_GET, "/", 404, "There are /healthz, /livez, ");
    assert_answer(fixture, HTTP_GET, "/healthz/", 404, "\"not_found\"");
    assert_answer(fixture, HTTP_POST, "/healthz", 405, "\"method_not_allowed\"");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_process_that_lives_says_so),
        TEST(test_it_is_ready_while_it_can_decide),
        TEST(test_it_is_ready_before_neither_its_database_nor_its_port),
        TEST(test_a_worker_that_stands_still_is_not_passed_over),
        TEST(test_another_worker_that_is_ready_makes_it_so_unless_it_drains),
        TEST(test_it_has_started_once_it_could_decide),
        TEST(test_metrics_are_those_of_the_workers_and_of_the_pool),
        TEST(test_anything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
