// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/auth/source.h"
#include "gateway/settings/metrics.h"

static void test_each_source_has_its_counter_and_the_last_one_is_kept(void **state) {
    (void)state;
    enum gw_report_source kept = GW_REPORT_NO_SOURCE;
    struct gw_metrics metrics = {.cache_hits_total = 0};
    gw_auth_note_source(&kept, &metrics, GW_REPORT_HIT);
    assert_int_equal(kept, GW_REPORT_HIT);
    gw_auth_note_source(&kept, &metrics, GW_REPORT_MISS);
    gw_auth_note_source(&kept, &metrics, GW_REPORT_JOINED);
    gw_auth_note_source(&kept, &metrics, GW_REPORT_STALE);
    assert_int_equal(kept, GW_REPORT_STALE);
    assert_int_equal(metrics.cache_hits_total, 1);
    assert_int_equal(metrics.cache_misses_total, 1);
    assert_int_equal(metrics.lookups_joined_total, 1);
    assert_int_equal(metrics.cache_stale_total, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_source_has_its_counter_and_the_last_one_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
