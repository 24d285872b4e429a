// SPDX-License-Identifier: MIT
// A pool that counts what the test says.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/pool.h"
#include "gateway/exchange/pool_metrics.h"

static struct db_pool_stats counted;

void db_pool_stats(const struct db_pool *pool, struct db_pool_stats *stats) {
    (void)pool;
    *stats = counted;
}

static void test_what_the_pool_counts_is_shown(void **state) {
    (void)state;
    struct gw_metrics metrics = {.requests_total = 7};
    struct gw_services services = {.metrics = &metrics};
    counted = (struct db_pool_stats){.connections_ready = 3,
                                     .queries_in_flight = 2,
                                     .queries_queued = 5,
                                     .queries_total = 100,
                                     .disconnects_total = 4,
                                     .changes_busy_total = 6,
                                     .repeated_total = 8,
                                     .locks = {.waiting = 1,
                                               .waiting_ms = 700,
                                               .blocker_pid = 4711,
                                               .waited_total = 9,
                                               .waited_ms_total = 10}};
    gw_pool_metrics_publish(&services);
    assert_int_equal(metrics.database_connections_ready, 3);
    assert_int_equal(metrics.database_queries_waiting, 7);
    assert_int_equal(metrics.database_queries_total, 100);
    assert_int_equal(metrics.database_disconnects_total, 4);
    assert_int_equal(metrics.changes_busy_total, 6);
    assert_int_equal(metrics.changes_repeated_total, 8);
    assert_int_equal(metrics.changes_waiting, 1);
    assert_int_equal(metrics.changes_waiting_ms, 700);
    assert_int_equal(metrics.changes_blocker_pid, 4711);
    assert_int_equal(metrics.changes_held_up_total, 9);
    assert_int_equal(metrics.changes_held_up_ms_total, 10);
    assert_int_equal(metrics.requests_total, 7);
}

// A worker that was started again: its pool is new, the counters are those of all before it.
static void test_counters_go_on_from_where_a_dead_worker_was(void **state) {
    (void)state;
    struct gw_metrics metrics = {.database_queries_total = 3000, .changes_held_up_ms_total = 50};
    struct gw_services services = {.metrics = &metrics, .metrics_at_start = metrics};
    counted = (struct db_pool_stats){.queries_total = 1, .locks = {.waited_ms_total = 5}};
    for (int i = 0; i < 2; i++)
        gw_pool_metrics_publish(&services);
    assert_int_equal(metrics.database_queries_total, 3001);
    assert_int_equal(metrics.changes_held_up_ms_total, 55);
    counted.queries_total = 2;
    gw_pool_metrics_publish(&services);
    assert_int_equal(metrics.database_queries_total, 3002);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_pool_counts_is_shown),
        cmocka_unit_test(test_counters_go_on_from_where_a_dead_worker_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
