// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "db/pool.h"
#include "gateway/api/admin.h"
#include "tests/support/noted_exchange.h"

struct fixture {
    struct noted_exchange noted;
    bool is_database_up;
};

static struct fixture *current;

// ---- the pool, which the linker takes in place of the library's ----

bool db_pool_is_ready(const struct db_pool *pool) {
    (void)pool;
    return current->is_database_up;
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
    fixture->noted.services.all_metrics = &fixture->noted.metrics;
    fixture->noted.services.worker_count = 1;
    fixture->is_database_up = true;
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
    fixture->is_database_up = false;
    fixture->noted.services.is_draining = true;
    assert_answer(fixture, HTTP_GET, "/healthz", 200, "ok\n");
    assert_answer(fixture, HTTP_GET, "/healthz?x", 200, "ok\n");
}

static void test_it_is_ready_with_a_database_and_not_while_it_drains(void **state) {
    struct fixture *fixture = *state;
    assert_answer(fixture, HTTP_GET, "/readyz", 200, "ready\n");
    fixture->is_database_up = false;
    assert_answer(fixture, HTTP_GET, "/readyz", 503, "the database does not answer\n");
    fixture->noted.services.is_draining = true;
    assert_answer(fixture, HTTP_GET, "/readyz", 503, "draining\n");
}

static void test_metrics_are_those_of_the_workers_and_of_the_pool(void **state) {
    struct fixture *fixture = *state;
    fixture->noted.metrics.rate_limited_total = 7;
    assert_answer(fixture, HTTP_GET, "/metrics", 200, "skillreg_gateway_rate_limited_total 7\n");
    assert_answer(fixture, HTTP_GET, "/metrics", 200,
                  "skillreg_gateway_database_connections_ready 3\n");
    assert_answer(fixture, HTTP_GET, "/metrics", 200,
                  "skillreg_gateway_database_queries_waiting 7\n");
    assert_answer(fixture, HTTP_GET, "/metrics", 200, "skillreg_gateway_changes_waiting 0\n");
}

static void test_anything_else_is_refused(void **state) {
    struct fixture *fixture = *state;
    assert_answer(fixture, HTTP_GET, "/", 404, "There are /healthz, /readyz and /metrics here.");
    assert_answer(fixture, HTTP_GET, "/healthz/", 404, "\"not_found\"");
    assert_answer(fixture, HTTP_POST, "/healthz", 405, "\"method_not_allowed\"");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_process_that_lives_says_so),
        TEST(test_it_is_ready_with_a_database_and_not_while_it_drains),
        TEST(test_metrics_are_those_of_the_workers_and_of_the_pool),
        TEST(test_anything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
