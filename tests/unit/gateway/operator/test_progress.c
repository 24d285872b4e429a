// SPDX-License-Identifier: MIT
// Proves of gateway/operator/progress.c: the rate, and the time that is left by it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/operator/progress.h"

static void assert_text(uint64_t done, uint64_t total, uint64_t elapsed_ms, const char *wanted) {
    char out[160];
    gw_operator_progress_text(done, total, elapsed_ms, out, sizeof(out));
    assert_string_equal(out, wanted);
}

static void test_progress_tells_rate_and_time_left(void **state) {
    (void)state;
    assert_text(12000, 100000, 1500, "12,000 of 100,000 rows, 8,000/s, 11 s left");
    assert_text(1000, 10000000, 1000, "1,000 of 10,000,000 rows, 1,000/s, 167 min left");
    assert_text(100000, 100000, 10000, "100,000 of 100,000 rows, 10,000/s");
}

static void test_progress_of_a_pipe_knows_no_end(void **state) {
    (void)state;
    assert_text(12000, 0, 3000, "12,000 rows, 4,000/s");
    assert_text(0, 0, 0, "0 rows, 0/s");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_progress_tells_rate_and_time_left),
        cmocka_unit_test(test_progress_of_a_pipe_knows_no_end),
    };
    return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
