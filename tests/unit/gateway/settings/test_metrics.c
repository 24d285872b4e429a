// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/settings/metrics.h"

static void test_the_sum_is_over_all_workers(void **state) {
    (void)state;
    struct gw_metrics all[3] = {{.requests_total = 5, .connections_open = 1, .timeouts_total = 1},
                                {.requests_total = 7, .decisions = {.counts = {3}, .sum_ns = 9}},
                                {.requests_total = 11, .cache_hits_total = 4}};
    struct gw_metrics sum;
    memset(&sum, 0xff, sizeof(sum));
    gw_metrics_sum(all, 3, &sum);
    assert_int_equal(sum.requests_total, 23);
    assert_int_equal(sum.connections_open, 1);
    assert_int_equal(sum.decisions.counts[0], 3);
    assert_int_equal(sum.decisions.sum_ns, 9);
    assert_int_equal(sum.cache_hits_total, 4);
    assert_int_equal(sum.timeouts_total, 1);
    assert_int_equal(sum.upstream_connects_total, 0);
    gw_metrics_sum(all, 1, &sum);
    assert_int_equal(sum.requests_total, 5);
}

static void test_the_sum_has_each_label_of_its_own(void **state) {
    (void)state;
    static struct gw_metrics all[2]; // every number differs
    for (int i = 0; i < 2; i++) {
        for (int class = 0; class < GW_ROUTE_CLASS_COUNT; class ++) {
            for (int code = 0; code < GW_CODE_CLASS_COUNT; code++)
                all[i].responses_total[class][code] = 10 * class + code + i;
            all[i].requests[class].counts[0] = 100 + class;
        }
        for (int kind = 0; kind < GW_DECISION_COUNT; kind++)
            all[i].decisions_total[kind] = kind + i;
        for (int kind = 0; kind < GW_TLS_RESULT_COUNT; kind++)
            all[i].tls_handshakes_total[kind] = 7 * kind + i;
    }
    struct gw_metrics sum;
    gw_metrics_sum(all, 2, &sum);
    for (int class = 0; class < GW_ROUTE_CLASS_COUNT; class ++) {
        for (int code = 0; code < GW_CODE_CLASS_COUNT; code++)
            assert_int_equal(sum.responses_total[class][code], 2 * (10 * class + code) + 1);
        assert_int_equal(sum.requests[class].counts[0], 2 * (100 + class));
    }
    for (int kind = 0; kind < GW_DECISION_COUNT; kind++)
        assert_int_equal(sum.decisions_total[kind], 2 * kind + 1);
    for (int kind = 0; kind < GW_TLS_RESULT_COUNT; kind++)
        assert_int_equal(sum.tls_handshakes_total[kind], 14 * kind + 1);
}

static void test_a_status_has_its_class_or_the_nearest(void **state) {
    (void)state;
    static const struct {
        int status;
        enum gw_code_class class;
    } cases[] = {{200, GW_CODE_2XX}, {299, GW_CODE_2XX}, {300, GW_CODE_3XX},
                 {404, GW_CODE_4XX}, {499, GW_CODE_4XX}, {500, GW_CODE_5XX},
                 {599, GW_CODE_5XX}, {999, GW_CODE_5XX}, {101, GW_CODE_2XX}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(gw_metrics_code_class(cases[i].status), cases[i].class);
}

static void test_the_sum_of_an_end_is_the_earliest(void **state) {
    (void)state;
    const struct gw_metrics all[3] = {{.cert_not_after_seconds = 30},
                                      {.cert_not_after_seconds = 0},
                                      {.cert_not_after_seconds = 20}};
    struct gw_metrics sum;
    gw_metrics_sum(all, 3, &sum);
    assert_int_equal(sum.cert_not_after_seconds, 20);
    gw_metrics_sum(all + 1, 1, &sum);
    assert_int_equal(sum.cert_not_after_seconds, 0);
}

static void test_the_longest_turn_and_silence_are_those_of_any_worker(void **state) {
    (void)state;
    struct gw_metrics sum;
    const struct gw_metrics all[] = {{.loop_turn_longest_ms = 3, .loop_turns_long_total = 1},
                                     {.loop_turn_longest_ms = 746, .loop_turns_long_total = 2},
                                     {.loop_turn_longest_ms = 2, .database_silent_ms = 900}};
    gw_metrics_sum(all, 3, &sum);
    assert_int_equal(sum.loop_turn_longest_ms, 746);
    assert_int_equal(sum.database_silent_ms, 900);
    assert_int_equal(sum.loop_turns_long_total, 3);
}

// Process ids have no sum: that of the change that waits longest is shown.
static void test_the_longest_wait_brings_its_own_blocker(void **state) {
    (void)state;
    const struct gw_metrics all[3] = {
        {.changes_waiting = 1, .changes_waiting_ms = 600, .changes_blocker_pid = 11},
        {.changes_waiting = 2, .changes_waiting_ms = 900, .changes_blocker_pid = 12},
        {.changes_waiting = 0}};
    struct gw_metrics sum;
    gw_metrics_sum(all, 3, &sum);
    assert_int_equal(sum.changes_waiting, 3);
    assert_int_equal(sum.changes_waiting_ms, 900);
    assert_int_equal(sum.changes_blocker_pid, 12);
    gw_metrics_sum(all + 2, 1, &sum);
    assert_int_equal(sum.changes_blocker_pid, 0);
}

// A worker that died left its open connections behind: they are gone, its requests were served.
static void test_a_new_worker_keeps_the_counters_and_clears_the_gauges(void **state) {
    (void)state;
    struct gw_metrics metrics = {.requests_total = 5,
                                 .connections_open = 3,
                                 .cache_entries = 10,
                                 .cache_negative_entries = 11,
                                 .cache_bytes = 12,
                                 .changes_waiting_ms = 14,
                                 .changes_held_up_ms_total = 15,
                                 .cache_hits_total = 13,
                                 .process = {.processor_ns = 16, .open_fds = 17, .start_ms = 18}};
    gw_metrics_reset_gauges(&metrics);
    assert_int_equal(metrics.requests_total, 5);
    assert_int_equal(metrics.cache_hits_total, 13);
    assert_int_equal(metrics.connections_open, 0);
    assert_int_equal(metrics.cache_entries, 0);
    assert_int_equal(metrics.cache_negative_entries, 0);
    assert_int_equal(metrics.cache_bytes, 0);
    assert_int_equal(metrics.changes_waiting_ms, 0);
    assert_int_equal(metrics.changes_held_up_ms_total, 15);
    assert_int_equal(metrics.process.processor_ns, 16);
    assert_int_equal(metrics.process.open_fds, 0);
    assert_int_equal(metrics.process.start_ms, 0);
}

// The convention of Prometheus: a counter is named _total, a gauge is not.
static void test_counters_are_named_total(void **state) {
    (void)state;
    static const struct {
        const char *name;
        const char *type;
    } metrics[] = {
#define X(name, type, help) {#name, type},
        GW_METRICS_MAP(X)
#undef X
#define X(member, name, type, help) {name, type},
            GW_METRICS_TIMES_MAP(X)
#undef X
    };
    for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
        size_t length = strlen(metrics[i].name);
        bool is_total = length > 6 && strcmp(metrics[i].name + length - 6, "_total") == 0;
        bool is_counter = strcmp(metrics[i].type, "counter") == 0;
        assert_true(is_counter || strcmp(metrics[i].type, "gauge") == 0);
        assert_int_equal(is_total, is_counter);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_sum_is_over_all_workers),
        cmocka_unit_test(test_the_sum_has_each_label_of_its_own),
        cmocka_unit_test(test_a_status_has_its_class_or_the_nearest),
        cmocka_unit_test(test_the_sum_of_an_end_is_the_earliest),
        cmocka_unit_test(test_the_longest_turn_and_silence_are_those_of_any_worker),
        cmocka_unit_test(test_the_longest_wait_brings_its_own_blocker),
        cmocka_unit_test(test_a_new_worker_keeps_the_counters_and_clears_the_gauges),
        cmocka_unit_test(test_counters_are_named_total),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
