// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway/process/shortages.h"

static int pipe_ends[2];
static int stderr_before;

static int set_up(void **state) {
    (void)state;
    stderr_before = dup(STDERR_FILENO);
    assert_int_equal(pipe(pipe_ends), 0);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    close(stderr_before);
    return 0;
}

// What one look puts into the log.
static void look(struct gw_shortages *shortages, const struct gw_metrics *metrics, uint64_t now_ms,
                 char text[512]) {
    assert_int_equal(write(pipe_ends[1], "-", 1), 1); // so that there is something to read
    dup2(pipe_ends[1], STDERR_FILENO);
    gw_shortages_look(shortages, metrics, now_ms);
    dup2(stderr_before, STDERR_FILENO);
    ssize_t length = read(pipe_ends[0], text, 511);
    assert_true(length >= 1);
    text[length] = '\0';
}

static void test_a_shortage_is_one_line_in_ten_seconds(void **state) {
    (void)state;
    char text[512];
    struct gw_shortages shortages;
    struct gw_metrics metrics = {.descriptor_shortages_total = 100}; // of the worker before
    gw_shortages_start(&shortages, &metrics);
    look(&shortages, &metrics, 1000, text);
    assert_string_equal(text, "-");
    metrics.descriptor_shortages_total += 3;
    look(&shortages, &metrics, 2000, text);
    assert_non_null(strstr(text, "warning server descriptors are short times=3 todo=\""));
    metrics.descriptor_shortages_total += 4;
    look(&shortages, &metrics, 3000, text);
    metrics.descriptor_shortages_total += 5;
    look(&shortages, &metrics, 2000 + GW_SHORTAGE_QUIET_MS - 1, text);
    assert_string_equal(text, "-");
    look(&shortages, &metrics, 2000 + GW_SHORTAGE_QUIET_MS, text);
    assert_non_null(strstr(text, " times=9 "));
    look(&shortages, &metrics, 100000, text);
    assert_string_equal(text, "-");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_shortage_is_one_line_in_ten_seconds, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
