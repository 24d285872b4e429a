// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/settings/rate.h"

#define S 1000000U // microseconds

static struct gw_rate rate_of(const char *text) {
    struct gw_rate rate;
    assert_int_equal(gw_rate_parse(gw_str_from(text), &rate), GW_OK);
    return rate;
}

static void test_a_rate_is_a_count_and_a_unit(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t count;
        uint64_t period_s;
    } cases[] = {{"120/m", 120, 60}, {"10/s", 10, 1}, {"1/h", 1, 3600}, {"1000000/s", 1000000, 1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gw_rate rate = rate_of(cases[i].text);
        assert_int_equal(rate.count, cases[i].count);
        assert_int_equal(rate.period_s, cases[i].period_s);
        assert_int_equal(rate.burst, cases[i].count);
    }
    assert_int_equal(rate_of("off").count, 0);
}

static void test_anything_else_is_no_rate(void **state) {
    (void)state;
    static const char *const texts[] = {"",      "/",      "120",   "/m",    "0/m",
                                        "-1/m",  "+1/m",   "1.5/m", "120/d", "120/min",
                                        "120 m", "120/m ", "1e3/s", "OFF"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct gw_rate rate = {.count = 7};
        assert_int_equal(gw_rate_parse(gw_str_from(texts[i]), &rate), GW_INVALID);
        assert_int_equal(rate.count, 7);
    }
    struct gw_rate rate;
    assert_int_equal(gw_rate_parse(GW_STR("2000000/s"), &rate), GW_TOO_BIG);
}

// Judges and, if allowed, does one more.
static struct gw_rate_verdict use(const struct gw_rate *rate, uint64_t *arrival_us,
                                  uint64_t now_us) {
    struct gw_rate_verdict verdict = gw_rate_judge(rate, *arrival_us, now_us);
    *arrival_us = verdict.arrival_us;
    return verdict;
}

static void test_a_burst_is_allowed_and_then_one_an_interval(void **state) {
    (void)state;
    struct gw_rate rate = rate_of("60/m");
    uint64_t arrival_us = 0;
    uint64_t now_us = 1000 * S;
    rate.burst = 3;
    for (uint64_t left = 3; left-- > 0;) {
        struct gw_rate_verdict verdict = use(&rate, &arrival_us, now_us);
        assert_true(verdict.is_allowed);
        assert_int_equal(verdict.left, left);
        assert_int_equal(verdict.wait_us, 1 * S);
    }
    struct gw_rate_verdict verdict = use(&rate, &arrival_us, now_us);
    assert_false(verdict.is_allowed);
    assert_int_equal(verdict.left, 0);
    assert_int_equal(verdict.wait_us, 1 * S);
    assert_int_equal(use(&rate, &arrival_us, now_us + S / 4).wait_us, 3 * S / 4);
    assert_true(use(&rate, &arrival_us, now_us + 1 * S).is_allowed);
    assert_false(use(&rate, &arrival_us, now_us + 1 * S).is_allowed);
}

static void test_rest_brings_the_burst_back_and_no_more(void **state) {
    (void)state;
    struct gw_rate rate = rate_of("10/s");
    uint64_t arrival_us = 0;
    for (uint64_t now_us = S; now_us < 1000 * S; now_us += 500 * S) {
        for (int i = 0; i < 10; i++)
            assert_true(use(&rate, &arrival_us, now_us).is_allowed);
        assert_false(use(&rate, &arrival_us, now_us).is_allowed);
    }
}

static void test_over_a_long_time_the_rate_holds(void **state) {
    (void)state;
    struct gw_rate rate = rate_of("120/m");
    uint64_t arrival_us = 0;
    int allowed = 0;
    for (uint64_t now_us = S; now_us < 601 * S; now_us += S / 100)
        allowed += use(&rate, &arrival_us, now_us).is_allowed ? 1 : 0;
    assert_in_range(allowed, 120 + 1199, 120 + 1200);
}

static void test_a_refusal_costs_nothing(void **state) {
    (void)state;
    struct gw_rate rate = rate_of("1/s");
    uint64_t arrival_us = 0;
    assert_true(use(&rate, &arrival_us, S).is_allowed);
    for (int i = 0; i < 1000; i++)
        assert_false(use(&rate, &arrival_us, S + 1).is_allowed);
    assert_true(use(&rate, &arrival_us, 2 * S).is_allowed);
}

static void test_a_rate_faster_than_the_clock_still_counts(void **state) {
    (void)state;
    struct gw_rate rate = {.count = 100000000, .period_s = 60, .burst = 2};
    uint64_t arrival_us = 0;
    assert_true(use(&rate, &arrival_us, S).is_allowed);
    assert_true(use(&rate, &arrival_us, S).is_allowed);
    assert_false(use(&rate, &arrival_us, S).is_allowed);
}

static void test_a_use_that_is_given_back_is_none(void **state) {
    (void)state;
    const struct gw_rate rate = rate_of("2/m");
    uint64_t arrival_us = 0;
    assert_true(use(&rate, &arrival_us, S).is_allowed);
    uint64_t once_us = arrival_us;
    assert_true(use(&rate, &arrival_us, S).is_allowed);
    assert_false(use(&rate, &arrival_us, S).is_allowed);
    arrival_us = gw_rate_give_back(&rate, arrival_us);
    assert_int_equal(arrival_us, once_us);
    assert_true(use(&rate, &arrival_us, S).is_allowed);
    assert_int_equal(gw_rate_give_back(&rate, 7), 0);
}

static void test_waits_are_told_in_whole_seconds(void **state) {
    (void)state;
    assert_int_equal(gw_rate_seconds(0), 1);
    assert_int_equal(gw_rate_seconds(1), 1);
    assert_int_equal(gw_rate_seconds(S), 1);
    assert_int_equal(gw_rate_seconds(S + 1), 2);
    assert_int_equal(gw_rate_seconds(90 * S), 90);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_rate_is_a_count_and_a_unit),
        cmocka_unit_test(test_anything_else_is_no_rate),
        cmocka_unit_test(test_a_burst_is_allowed_and_then_one_an_interval),
        cmocka_unit_test(test_rest_brings_the_burst_back_and_no_more),
        cmocka_unit_test(test_over_a_long_time_the_rate_holds),
        cmocka_unit_test(test_a_refusal_costs_nothing),
        cmocka_unit_test(test_a_rate_faster_than_the_clock_still_counts),
        cmocka_unit_test(test_a_use_that_is_given_back_is_none),
        cmocka_unit_test(test_waits_are_told_in_whole_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
