// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/metrics.h"

static void test_the_sum_is_over_all_workers(void **state) {
    (void)state;
    struct gw_metrics all[3] = {{.requests_total = 5, .connections_open = 1, .timeouts_total = 1},
                                {.requests_total = 7, .connections_open = 2},
                                {.requests_total = 11, .cache_hits_total = 4}};
    struct gw_metrics sum;
    memset(&sum, 0xff, sizeof sum);
    gw_metrics_sum(all, 3, &sum);
    assert_int_equal(sum.requests_total, 23);
    assert_int_equal(sum.connections_open, 3);
    assert_int_equal(sum.cache_hits_total, 4);
    assert_int_equal(sum.timeouts_total, 1);
    assert_int_equal(sum.upstream_connects_total, 0);
    gw_metrics_sum(all, 1, &sum);
    assert_int_equal(sum.requests_total, 5);
}

// A worker that died left its open connections behind: they are gone, its requests were served.
static void test_a_new_worker_keeps_the_counters_and_clears_the_gauges(void **state) {
    (void)state;
    struct gw_metrics metrics = {.requests_total = 5,
                                 .connections_open = 3,
                                 .cache_entries = 10,
                                 .cache_negative_entries = 11,
                                 .cache_bytes = 12,
                                 .cache_hits_total = 13};
    gw_metrics_reset_gauges(&metrics);
    assert_int_equal(metrics.requests_total, 5);
    assert_int_equal(metrics.cache_hits_total, 13);
    assert_int_equal(metrics.connections_open, 0);
    assert_int_equal(metrics.cache_entries, 0);
    assert_int_equal(metrics.cache_negative_entries, 0);
    assert_int_equal(metrics.cache_bytes, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_sum_is_over_all_workers),
        cmocka_unit_test(test_a_new_worker_keeps_the_counters_and_clears_the_gauges),
    };
    return cmocka_run_group_tests_name("gateway/metrics_sum", tests, NULL, NULL);
}
