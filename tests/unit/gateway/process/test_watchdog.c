// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/process/watchdog.h"

static void test_a_worker_that_beats_is_never_silent(void **state) {
    (void)state;
    struct gw_watchdog watchdog;
    gw_watchdog_start(&watchdog, 100, 5000);
    for (int i = 1; i <= 100; i++)
        assert_int_equal(gw_watchdog_look(&watchdog, 100 + i, 5000 + 1000 * (uint64_t)i), 0);
}

// Also one that never began to.
static void test_silence_is_counted_from_the_last_beat(void **state) {
    (void)state;
    struct gw_watchdog watchdog;
    gw_watchdog_start(&watchdog, 7, 0);
    for (uint64_t second = 1; second <= 40; second++)
        assert_int_equal(gw_watchdog_look(&watchdog, 7, second * 1000), second * 1000);
    assert_int_equal(gw_watchdog_look(&watchdog, 8, 41000), 0);
    assert_int_equal(gw_watchdog_look(&watchdog, 8, 41500), 500);
}

static void test_it_is_known_whether_a_worker_has_begun(void **state) {
    (void)state;
    struct gw_watchdog watchdog;
    gw_watchdog_start(&watchdog, 7, 0);
    assert_int_equal(gw_watchdog_look(&watchdog, 7, 1000), 1000);
    assert_false(watchdog.has_beaten);
    assert_int_equal(gw_watchdog_look(&watchdog, 8, 2000), 0);
    assert_int_equal(gw_watchdog_look(&watchdog, 8, 3000), 1000);
    assert_true(watchdog.has_beaten);
    gw_watchdog_start(&watchdog, 8, 4000); // the next worker in its place
    assert_false(watchdog.has_beaten);
}

// The supervisor was not there to look: nor was the machine, perhaps.
static void test_a_time_in_which_nobody_looked_is_hardly_counted(void **state) {
    (void)state;
    struct gw_watchdog watchdog;
    gw_watchdog_start(&watchdog, 7, 0);
    assert_int_equal(gw_watchdog_look(&watchdog, 7, 1000), 1000);
    assert_int_equal(gw_watchdog_look(&watchdog, 7, 3600000), 1000 + GW_WATCHDOG_LOOK_MS_MAX);
    assert_int_equal(gw_watchdog_look(&watchdog, 8, 3601000), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_worker_that_beats_is_never_silent),
        cmocka_unit_test(test_silence_is_counted_from_the_last_beat),
        cmocka_unit_test(test_it_is_known_whether_a_worker_has_begun),
        cmocka_unit_test(test_a_time_in_which_nobody_looked_is_hardly_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
