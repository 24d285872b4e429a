// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/histogram.h"

#define TEXT_BYTES_MAX 8192

static void write_text(const struct gw_histogram *histogram, const char *labels,
                       char text[TEXT_BYTES_MAX]) {
    struct gw_buf out;
    gw_buf_init(&out, TEXT_BYTES_MAX - 1);
    assert_int_equal(gw_histogram_write(histogram, "took_seconds", labels, &out), GW_OK);
    struct gw_str bytes = gw_buf_bytes(&out);
    memcpy(text, bytes.at, bytes.length);
    text[bytes.length] = '\0';
    gw_buf_deinit(&out);
}

// A bound belongs to its own bucket ("le").
static void test_a_time_is_counted_in_the_first_bucket_that_holds_it(void **state) {
    (void)state;
    struct gw_histogram histogram = {.sum_ns = 0};
    gw_histogram_observe(&histogram, 0);
    gw_histogram_observe(&histogram, 5000);
    gw_histogram_observe(&histogram, 5001);
    gw_histogram_observe(&histogram, 1000000);
    gw_histogram_observe(&histogram, UINT64_C(10000000000));
    gw_histogram_observe(&histogram, UINT64_C(10000000001));
    assert_int_equal(histogram.counts[0], 2);
    assert_int_equal(histogram.counts[1], 1);
    assert_int_equal(histogram.counts[7], 1);
    assert_int_equal(histogram.counts[GW_HISTOGRAM_BOUNDS - 1], 1);
    assert_int_equal(histogram.counts[GW_HISTOGRAM_BOUNDS], 1);
    assert_int_equal(histogram.sum_ns, INT64_C(20001010002));
}

static void test_buckets_are_written_cumulative(void **state) {
    (void)state;
    struct gw_histogram histogram = {.sum_ns = 0};
    char text[TEXT_BYTES_MAX];
    gw_histogram_observe(&histogram, 3000);
    gw_histogram_observe(&histogram, 700000);
    gw_histogram_observe(&histogram, UINT64_C(12000000000));
    write_text(&histogram, "", text);
    const char *first = "took_seconds_bucket{le=\"0.000005\"} 1\n";
    assert_memory_equal(text, first, strlen(first));
    assert_non_null(strstr(text, "\ntook_seconds_bucket{le=\"0.0005\"} 1\n"));
    assert_non_null(strstr(text, "\ntook_seconds_bucket{le=\"0.001\"} 2\n"));
    assert_non_null(strstr(text, "\ntook_seconds_bucket{le=\"10\"} 2\n"
                                 "took_seconds_bucket{le=\"+Inf\"} 3\n"
                                 "took_seconds_sum 12.000703000\n"
                                 "took_seconds_count 3\n"));
}

static void test_labels_stand_before_the_bound(void **state) {
    (void)state;
    const struct gw_histogram histogram = {.counts = {1}, .sum_ns = 4};
    char text[TEXT_BYTES_MAX];
    write_text(&histogram, "route=\"api\"", text);
    assert_non_null(strstr(text, "took_seconds_bucket{route=\"api\",le=\"0.000005\"} 1\n"));
    assert_non_null(strstr(text, "\ntook_seconds_sum{route=\"api\"} 0.000000004\n"
                                 "took_seconds_count{route=\"api\"} 1\n"));
}

static void test_a_sum_has_the_counts_of_both(void **state) {
    (void)state;
    struct gw_histogram sum = {.counts = {1, 2}, .sum_ns = 3};
    const struct gw_histogram other = {.counts = {[1] = 5, [GW_HISTOGRAM_BOUNDS] = 7},
                                       .sum_ns = 10};
    gw_histogram_add(&sum, &other);
    assert_int_equal(sum.counts[0], 1);
    assert_int_equal(sum.counts[1], 7);
    assert_int_equal(sum.counts[GW_HISTOGRAM_BOUNDS], 7);
    assert_int_equal(sum.sum_ns, 13);
}

static void test_what_does_not_fit_is_an_error(void **state) {
    (void)state;
    static const struct gw_histogram histogram;
    struct gw_buf out;
    gw_buf_init(&out, 100);
    assert_int_equal(gw_histogram_write(&histogram, "took_seconds", "", &out), GW_TOO_BIG);
    gw_buf_deinit(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_time_is_counted_in_the_first_bucket_that_holds_it),
        cmocka_unit_test(test_buckets_are_written_cumulative),
        cmocka_unit_test(test_labels_stand_before_the_bound),
        cmocka_unit_test(test_a_sum_has_the_counts_of_both),
        cmocka_unit_test(test_what_does_not_fit_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
