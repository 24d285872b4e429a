// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/settings/metrics.h"

static struct gw_str take_line(struct gw_str *rest) {
    struct gw_str line;
    assert_true(gw_str_next(rest, '\n', &line));
    return line;
}

static void assert_line(struct gw_str *rest, const char *expected) {
    struct gw_str line = take_line(rest);
    if (!gw_str_equal(line, gw_str_from(expected)))
        fail_msg("%.*s instead of %s", GW_STR_ARG(line), expected);
}

// Help and type stand once, at the first of a name.
static void skip_histogram(struct gw_str *rest, const char *name, const char *help) {
    char line[256];
    if (help[0] != '\0') {
        (void)snprintf(line, sizeof(line), "# HELP %s %s", name, help);
        assert_line(rest, line);
        (void)snprintf(line, sizeof(line), "# TYPE %s histogram", name);
        assert_line(rest, line);
    }
    for (int i = 0; i < GW_HISTOGRAM_BOUNDS + 3; i++)
        assert_true(gw_str_starts_with(take_line(rest), gw_str_from(name)));
}

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

// Process ids have no sum: that of the change that waits longest is shown.
static void test_the_longest_turn_is_that_of_any_worker(void **state) {
    (void)state;
    struct gw_metrics sum;
    const struct gw_metrics all[] = {{.loop_turn_longest_ms = 3, .loop_turns_long_total = 1},
                                     {.loop_turn_longest_ms = 746, .loop_turns_long_total = 2},
                                     {.loop_turn_longest_ms = 2}};
    gw_metrics_sum(all, 3, &sum);
    assert_int_equal(sum.loop_turn_longest_ms, 746);
    assert_int_equal(sum.loop_turns_long_total, 3);
}

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
                                 .cache_hits_total = 13};
    gw_metrics_reset_gauges(&metrics);
    assert_int_equal(metrics.requests_total, 5);
    assert_int_equal(metrics.cache_hits_total, 13);
    assert_int_equal(metrics.connections_open, 0);
    assert_int_equal(metrics.cache_entries, 0);
    assert_int_equal(metrics.cache_negative_entries, 0);
    assert_int_equal(metrics.cache_bytes, 0);
    assert_int_equal(metrics.changes_waiting_ms, 0);
    assert_int_equal(metrics.changes_held_up_ms_total, 15);
}

static void test_every_metric_has_help_type_and_its_own_value(void **state) {
    (void)state;
    struct gw_metrics metrics;
    memset(&metrics, 0, sizeof(metrics));
    int64_t value = 1;
#define X(name, type, help) metrics.name = value++;
    GW_METRICS_MAP(X)
#undef X
#define X(member, name, type, help) metrics.member = 1000 + value++;
    GW_METRICS_TIMES_MAP(X)
#undef X
    struct gw_buf out;
    gw_buf_init(&out, 65536);
    assert_int_equal(gw_metrics_write(&metrics, &out), GW_OK);
    struct gw_str rest = gw_buf_bytes(&out);
    char line[256];
    value = 1;
#define X(name, type, help)                                                                        \
    assert_line(&rest, "# HELP skillreg_gateway_" #name " " help);                                 \
    assert_line(&rest, "# TYPE skillreg_gateway_" #name " " type);                                 \
    snprintf(line, sizeof(line), "skillreg_gateway_" #name " %d", (int)value++);                   \
    assert_line(&rest, line);
    GW_METRICS_MAP(X)
#undef X
#define X(member, name, type, help)                                                                \
    assert_line(&rest, "# HELP skillreg_gateway_" name " " help);                                  \
    assert_line(&rest, "# TYPE skillreg_gateway_" name " " type);                                  \
    snprintf(line, sizeof(line), "skillreg_gateway_" name " 1.%03d", (int)value++);                \
    assert_line(&rest, line);
    GW_METRICS_TIMES_MAP(X)
#undef X
#define X(member, name, labels, help) skip_histogram(&rest, "skillreg_gateway_" name, help);
    GW_METRICS_HISTOGRAMS_MAP(X)
#undef X
    assert_int_equal(take_line(&rest).length, 0); // the last line is ended, too
    assert_null(rest.at);
    gw_buf_deinit(&out);
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

static void test_large_and_negative_values_are_written_whole(void **state) {
    (void)state;
    struct gw_metrics metrics = {.requests_total = INT64_MAX, .connections_open = -1};
    struct gw_buf out;
    gw_buf_init(&out, 65536);
    assert_int_equal(gw_metrics_write(&metrics, &out), GW_OK);
    assert_int_equal(gw_buf_append(&out, "", 1), GW_OK);
    assert_non_null(strstr(gw_buf_bytes(&out).at, "requests_total 9223372036854775807\n"));
    assert_non_null(strstr(gw_buf_bytes(&out).at, "connections_open -1\n"));
    gw_buf_deinit(&out);
}

static void test_what_does_not_fit_is_an_error(void **state) {
    (void)state;
    static const struct gw_metrics metrics;
    struct gw_buf out;
    gw_buf_init(&out, 1000);
    assert_int_equal(gw_metrics_write(&metrics, &out), GW_TOO_BIG);
    gw_buf_deinit(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_sum_is_over_all_workers),
        cmocka_unit_test(test_the_sum_of_an_end_is_the_earliest),
        cmocka_unit_test(test_the_longest_turn_is_that_of_any_worker),
        cmocka_unit_test(test_the_longest_wait_brings_its_own_blocker),
        cmocka_unit_test(test_a_new_worker_keeps_the_counters_and_clears_the_gauges),
        cmocka_unit_test(test_every_metric_has_help_type_and_its_own_value),
        cmocka_unit_test(test_counters_are_named_total),
        cmocka_unit_test(test_large_and_negative_values_are_written_whole),
        cmocka_unit_test(test_what_does_not_fit_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
