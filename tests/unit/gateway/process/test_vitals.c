// SPDX-License-Identifier: MIT
// The kernel's own numbers of this process, and a log of events that the test has heard of.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "db/events.h"
#include "gateway/process/vitals.h"

struct fixture {
    uv_loop_t loop;
    struct gw_metrics metrics;
    struct gw_services services;
    struct gw_vitals vitals;
};

static uint64_t heard_ms;

uint64_t db_events_heard_ms(const struct db_events *events) {
    assert_non_null(events);
    return heard_ms;
}

static int set_up(void **state) {
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    fixture->services.loop = &fixture->loop;
    fixture->services.metrics = &fixture->metrics;
    gw_vitals_start(&fixture->vitals, &fixture->services);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    test_free(fixture);
    return 0;
}

static void test_a_process_shows_what_it_uses(void **state) {
    struct fixture *fixture = *state;
    const struct gw_process_metrics *process = &fixture->metrics.process;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    gw_vitals_publish(&fixture->vitals, &fixture->services);
    assert_true(process->processor_ns > 0);
    assert_true(process->resident_bytes > 0);
    assert_true(process->virtual_bytes >= process->resident_bytes);
    assert_int_equal(process->resident_bytes % sysconf(_SC_PAGESIZE), 0);
    assert_int_equal(process->max_fds, (int64_t)limit.rlim_cur);
    assert_true(process->start_ms > 0 && process->start_ms <= gw_clock_wall_ms());
    int64_t before = process->open_fds;
    int fd = eventfd(0, EFD_CLOEXEC);
    assert_true(fd >= 0);
    gw_vitals_publish(&fixture->vitals, &fixture->services);
    assert_int_equal(process->open_fds, before + 1);
    close(fd);
}

static void test_processor_time_goes_on_from_that_of_a_dead_worker(void **state) {
    struct fixture *fixture = *state;
    const int64_t earlier_ns = INT64_C(3600) * 1000000000;
    fixture->services.metrics_at_start.process.processor_ns = earlier_ns;
    gw_vitals_publish(&fixture->vitals, &fixture->services);
    int64_t first_ns = fixture->metrics.process.processor_ns;
    assert_true(first_ns > earlier_ns);
    gw_vitals_publish(&fixture->vitals, &fixture->services);
    assert_true(fixture->metrics.process.processor_ns >= first_ns);
    assert_true(fixture->metrics.process.processor_ns < 2 * earlier_ns);
}

static void test_without_a_count_of_the_kernel_the_lowest_free_number_is_shown(void **state) {
    (void)state;
    int fd = eventfd(0, EFD_CLOEXEC);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(gw_vitals_open_fds("/nowhere"), fd);
}

// Before the first answer since the start.
static void test_the_database_is_silent_since_it_was_heard(void **state) {
    struct fixture *fixture = *state;
    fixture->vitals.began_ms = uv_now(&fixture->loop) - 700;
    gw_vitals_publish(&fixture->vitals, &fixture->services);
    assert_int_equal(fixture->metrics.database_silent_ms, 700);
    fixture->services.events = (struct db_events *)(void *)fixture; // never looked into
    heard_ms = 0;
    gw_vitals_publish(&fixture->vitals, &fixture->services);
    assert_int_equal(fixture->metrics.database_silent_ms, 700);
    heard_ms = uv_now(&fixture->loop) - 300;
    gw_vitals_publish(&fixture->vitals, &fixture->services);
    assert_int_equal(fixture->metrics.database_silent_ms, 300);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_process_shows_what_it_uses),
        TEST(test_processor_time_goes_on_from_that_of_a_dead_worker),
        TEST(test_without_a_count_of_the_kernel_the_lowest_free_number_is_shown),
        TEST(test_the_database_is_silent_since_it_was_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
