// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/exchange/report.h"

static const struct db_token_row row = {.id = {"clmwtuumiey4q1xue6bjm7i0", 24},
                                        .org_slug = {"acme", 4}};

// The metrics count times also where nobody reads the log.
static void test_only_times_are_kept_unless_more_is_wanted(void **state) {
    (void)state;
    struct gw_report report;
    memset(&report, 0, sizeof(report));
    gw_report_begin(&report, false);
    gw_report_begin_time(&report.decision);
    gw_report_end_time(&report.decision);
    gw_report_note_token(&report, &row);
    gw_report_note_original(&report, GW_STR("GET"), GW_STR("/"));
    assert_true(report.decision.is_known && report.whole.began_ns > 0);
    assert_false(report.is_wanted);
    assert_int_equal(report.token_id_length, 0);
    assert_null(report.original_target.at);
}

static void test_a_report_begins_empty(void **state) {
    (void)state;
    struct gw_report report;
    memset(&report, 0xFF, sizeof(report));
    gw_report_begin(&report, true);
    assert_int_equal(gw_report_verdict_text(&report).length, 0);
    assert_int_equal(gw_report_source_text(&report).length, 0);
    assert_int_equal(gw_report_error_code(&report).length, 0);
    assert_int_equal(report.token_id_length + report.org_length, 0);
    assert_false(report.decision.is_known || report.registry.is_known);
    assert_true(report.whole.began_ns > 0);
}

// Only the first one: a transfer is judged again long after.
static void test_the_first_decision_begins_with_the_request(void **state) {
    (void)state;
    struct gw_report report;
    gw_report_begin(&report, false);
    report.whole.began_ns -= 1000000000;
    gw_report_begin_decision(&report);
    assert_true(report.decision.began_ns == report.whole.began_ns);
    gw_report_end_time(&report.decision);
    assert_true(report.decision.took_ns >= 1000000000);
    gw_report_begin_decision(&report);
    assert_true(report.decision.began_ns > report.whole.began_ns);
}

static void test_a_time_is_the_sum_of_its_stretches(void **state) {
    (void)state;
    struct gw_report report;
    gw_report_begin(&report, true);
    gw_report_end_time(&report.registry); // it never began
    assert_false(report.registry.is_known);
    gw_report_begin_time(&report.registry);
    gw_report_end_time(&report.registry);
    uint64_t first_ns = report.registry.took_ns;
    gw_report_end_time(&report.registry); // it has ended
    assert_int_equal(report.registry.took_ns, first_ns);
    gw_report_begin_time(&report.registry);
    gw_report_end_time(&report.registry);
    assert_true(report.registry.is_known && report.registry.took_ns > first_ns);
}

static void test_what_was_noted_has_its_words(void **state) {
    (void)state;
    struct gw_report report;
    gw_report_begin(&report, true);
    gw_report_note_token(&report, &row);
    report.error = GW_ERROR_ORG_MISMATCH;
    report.verdict = GW_REPORT_DENY;
    report.source = GW_REPORT_STALE;
    assert_memory_equal(report.token_id, row.id.at, report.token_id_length);
    assert_int_equal(report.org_length, 4);
    assert_true(gw_str_equal(gw_report_error_code(&report), GW_STR("org_mismatch")));
    assert_true(gw_str_equal(gw_report_verdict_text(&report), GW_STR("deny")));
    assert_true(gw_str_equal(gw_report_source_text(&report), GW_STR("stale")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_times_are_kept_unless_more_is_wanted),
        cmocka_unit_test(test_a_report_begins_empty),
        cmocka_unit_test(test_the_first_decision_begins_with_the_request),
        cmocka_unit_test(test_a_time_is_the_sum_of_its_stretches),
        cmocka_unit_test(test_what_was_noted_has_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
