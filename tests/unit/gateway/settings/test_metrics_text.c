// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/settings/metrics_text.h"

#define TEXT_BYTES_MAX 131072

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

// What is written of `count` workers, terminated; lives until the next call.
static const char *text_of(const struct gw_metrics *all, int count) {
    static char text[TEXT_BYTES_MAX];
    struct gw_buf out;
    gw_buf_init(&out, sizeof(text) - 1);
    assert_int_equal(gw_metrics_write(all, count, &out), GW_OK);
    struct gw_str bytes = gw_buf_bytes(&out);
    memcpy(text, bytes.at, bytes.length);
    text[bytes.length] = '\0';
    gw_buf_deinit(&out);
    return text;
}

static void assert_has(const char *text, const char *lines) {
    if (strstr(text, lines) == NULL)
        fail_msg("not there: %s", lines);
}

static void test_each_plain_metric_has_help_type_and_its_own_value(void **state) {
    (void)state;
    static struct gw_metrics metrics;
    int64_t value = 1;
#define X(name, type, help) metrics.name = value++;
    GW_METRICS_MAP(X)
#undef X
#define X(member, name, type, help) metrics.member = 1000 + value++;
    GW_METRICS_TIMES_MAP(X)
#undef X
    const char *text = text_of(&metrics, 1);
    struct gw_str rest = gw_str_from(strstr(text, "# HELP skillreg_gateway_workers_ready "));
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
}

static void test_each_label_has_its_own_value(void **state) {
    (void)state;
    static struct gw_metrics all[2];
    all[0].responses_total[GW_ROUTE_CLASS_REGISTRY][GW_CODE_2XX] = 5;
    all[1].responses_total[GW_ROUTE_CLASS_REGISTRY][GW_CODE_2XX] = 2;
    all[0].responses_total[GW_ROUTE_CLASS_REGISTRY][GW_CODE_5XX] = 3;
    all[0].responses_total[GW_ROUTE_CLASS_ADMIN][GW_CODE_4XX] = 9;
    all[1].decisions_total[GW_DECISION_FORBIDDEN] = 11;
    all[1].tls_handshakes_total[GW_TLS_RESUMED] = 13;
    const char *text = text_of(all, 2);
    assert_has(text, "# TYPE skillreg_gateway_responses_total counter\n"
                     "skillreg_gateway_responses_total{code=\"2xx\",route_class=\"registry\"} 7\n"
                     "skillreg_gateway_responses_total{code=\"3xx\",route_class=\"registry\"} 0\n"
                     "skillreg_gateway_responses_total{code=\"4xx\",route_class=\"registry\"} 0\n"
                     "skillreg_gateway_responses_total{code=\"5xx\",route_class=\"registry\"} 3\n"
                     "skillreg_gateway_responses_total{code=\"2xx\",route_class=\"api\"} 0\n");
    assert_has(text, "{code=\"4xx\",route_class=\"admin\"} 9\n");
    assert_has(text, "# TYPE skillreg_gateway_decisions_total counter\n"
                     "skillreg_gateway_decisions_total{decision=\"allowed\"} 0\n"
                     "skillreg_gateway_decisions_total{decision=\"unauthenticated\"} 0\n"
                     "skillreg_gateway_decisions_total{decision=\"forbidden\"} 11\n");
    assert_has(text, "skillreg_gateway_tls_handshakes_total{result=\"resumed\"} 13\n");
}

// For one version they stay; the sum of what took their place is their value.
static void test_old_names_have_the_values_of_the_new(void **state) {
    (void)state;
    static struct gw_metrics metrics;
    metrics.responses_total[GW_ROUTE_CLASS_REGISTRY][GW_CODE_4XX] = 5;
    metrics.responses_total[GW_ROUTE_CLASS_ADMIN][GW_CODE_4XX] = 6;
    metrics.decisions_total[GW_DECISION_LIMITED] = 7;
    metrics.tls_handshakes_total[GW_TLS_FULL] = 8;
    const char *text = text_of(&metrics, 1);
    assert_has(text, "# HELP skillreg_gateway_responses_4xx_total "
                     "Deprecated, not in the next version: responses_total{code=\"4xx\"}.\n"
                     "# TYPE skillreg_gateway_responses_4xx_total counter\n"
                     "skillreg_gateway_responses_4xx_total 11\n");
    assert_has(text, "skillreg_gateway_responses_2xx_total 0\n");
    assert_has(text, "skillreg_gateway_decisions_limited_total 7\n");
    assert_has(text, "skillreg_gateway_decisions_allowed_total 0\n");
    assert_has(text, "skillreg_gateway_tls_handshakes_full_total 8\n");
}

// Help and type stand once, and that of the admin port is left out.
static void test_requests_have_a_histogram_for_each_class_of_routes(void **state) {
    (void)state;
    static struct gw_metrics metrics;
    for (int class = 0; class < GW_ROUTE_CLASS_COUNT; class ++)
        metrics.requests[class].counts[0] = 1 + class;
    const char *text = text_of(&metrics, 1);
    const char *type = "# TYPE skillreg_gateway_request_duration_seconds histogram\n";
    assert_has(text, type);
    assert_null(strstr(strstr(text, type) + 1, type));
    assert_has(text,
               "skillreg_gateway_request_duration_seconds_count{route_class=\"registry\"} 1\n");
    assert_has(text, "skillreg_gateway_request_duration_seconds_count{route_class=\"none\"} 4\n");
    assert_null(strstr(text, "seconds_count{route_class=\"admin\"}"));
    assert_has(text, "# TYPE skillreg_gateway_lookup_duration_seconds histogram\n"
                     "skillreg_gateway_lookup_duration_seconds_bucket{le=\"0.000005\"} 0\n");
}

// Under the names of Prometheus' own clients; of a worker that does not run nothing is shown.
static void test_each_worker_has_the_numbers_of_its_process(void **state) {
    (void)state;
    static struct gw_metrics all[3];
    all[0].process = (struct gw_process_metrics){.processor_ns = 12000000034,
                                                 .resident_bytes = 4096,
                                                 .open_fds = 7,
                                                 .max_fds = 1024,
                                                 .start_ms = 1769860800123};
    all[2].process = (struct gw_process_metrics){.virtual_bytes = 8192, .start_ms = 5};
    const char *text = text_of(all, 3);
    assert_has(text, "# TYPE process_cpu_seconds_total counter\n"
                     "process_cpu_seconds_total{worker=\"0\"} 12.000000034\n"
                     "process_cpu_seconds_total{worker=\"2\"} 0.000000000\n");
    assert_has(text, "process_resident_memory_bytes{worker=\"0\"} 4096\n");
    assert_has(text, "process_virtual_memory_bytes{worker=\"2\"} 8192\n");
    assert_has(text, "process_open_fds{worker=\"0\"} 7\n");
    assert_has(text, "process_max_fds{worker=\"0\"} 1024\n");
    assert_has(text, "# TYPE process_start_time_seconds gauge\n"
                     "process_start_time_seconds{worker=\"0\"} 1769860800.123\n"
                     "process_start_time_seconds{worker=\"2\"} 0.005\n");
    assert_null(strstr(text, "worker=\"1\""));
}

static void test_the_version_is_a_label(void **state) {
    (void)state;
    static const struct gw_metrics metrics;
    assert_has(text_of(&metrics, 1),
               "skillreg_gateway_build_info{version=\"" GATEWAY_VERSION "\"} 1\n");
}

static void test_large_and_negative_values_are_written_whole(void **state) {
    (void)state;
    static const struct gw_metrics metrics = {.requests_total = INT64_MAX, .connections_open = -1};
    const char *text = text_of(&metrics, 1);
    assert_has(text, "requests_total 9223372036854775807\n");
    assert_has(text, "connections_open -1\n");
}

// Wherever the room ends.
static void test_what_does_not_fit_is_an_error(void **state) {
    (void)state;
    static const struct gw_metrics metrics;
    size_t length = strlen(text_of(&metrics, 1));
    for (size_t room = 1; room < length; room += 199) {
        struct gw_buf out;
        gw_buf_init(&out, room);
        assert_int_equal(gw_metrics_write(&metrics, 1, &out), GW_TOO_BIG);
        gw_buf_deinit(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_plain_metric_has_help_type_and_its_own_value),
        cmocka_unit_test(test_each_label_has_its_own_value),
        cmocka_unit_test(test_old_names_have_the_values_of_the_new),
        cmocka_unit_test(test_requests_have_a_histogram_for_each_class_of_routes),
        cmocka_unit_test(test_each_worker_has_the_numbers_of_its_process),
        cmocka_unit_test(test_the_version_is_a_label),
        cmocka_unit_test(test_large_and_negative_values_are_written_whole),
        cmocka_unit_test(test_what_does_not_fit_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
