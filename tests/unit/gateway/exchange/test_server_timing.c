// SPDX-License-Identifier: MIT
// Proves of gateway/exchange/server_timing.c: what took place is there with its time, what did not
// is left out, and the longest fits.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/exchange/server_timing.h"

static void assert_written(const struct gw_report *report, uint64_t now_ns, const char *wanted) {
    char out[GW_SERVER_TIMING_BYTES_MAX];
    struct gw_str text = gw_server_timing_write(report, now_ns, out);
    assert_int_equal(text.length, gw_str_from(wanted).length);
    assert_memory_equal(text.at, wanted, text.length);
}

static void test_each_has_its_time(void **state) {
    (void)state;
    const struct gw_report report = {.decision = {.took_ns = 1310999, .is_known = true},
                                     .lookup = {.took_ns = 1204000, .is_known = true},
                                     .registry = {.took_ns = 12052001000, .is_known = true}};
    assert_written(&report, 0, "decision;dur=1.310, lookup;dur=1.204, registry;dur=12052.001");
}

static void test_what_is_under_way_counts_until_now(void **state) {
    (void)state;
    const struct gw_report report = {.registry = {.began_ns = 5000000, .took_ns = 1000000}};
    assert_written(&report, 7500000, "registry;dur=3.500");
}

static void test_what_did_not_take_place_is_left_out(void **state) {
    (void)state;
    const struct gw_report nothing = {.is_wanted = true};
    const struct gw_report quick = {.decision = {.is_known = true}};
    assert_written(&nothing, 1, "");
    assert_written(&quick, 1, "decision;dur=0.000");
}

static void test_the_longest_fits(void **state) {
    (void)state;
    const struct gw_report_time longest = {.took_ns = UINT64_MAX, .is_known = true};
    const struct gw_report report = {.decision = longest, .lookup = longest, .registry = longest};
    assert_written(&report, 0,
                   "decision;dur=18446744073709.551, lookup;dur=18446744073709.551, "
                   "registry;dur=18446744073709.551");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_has_its_time),
        cmocka_unit_test(test_what_is_under_way_counts_until_now),
        cmocka_unit_test(test_what_did_not_take_place_is_left_out),
        cmocka_unit_test(test_the_longest_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
