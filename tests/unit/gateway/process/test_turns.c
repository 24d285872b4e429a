// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/turn_part.h"
#include "gateway/process/turns.h"

#define NS_PER_MS UINT64_C(1000000)

struct fixture {
    uv_loop_t loop;
    struct gw_metrics metrics;
    struct gw_turns turns;
    uv_timer_t timer;
    const char *part; // NULL: outside of all
    uint64_t spin_ms;
};

static void on_timer(uv_timer_t *timer) {
    struct fixture *fixture = gw_container_of(timer, struct fixture, timer);
    uint64_t began_ns = uv_hrtime();
    if (fixture->part != NULL)
        gw_turn_part_begin(fixture->part);
    while (uv_hrtime() - began_ns < fixture->spin_ms * NS_PER_MS)
        continue;
    if (fixture->part != NULL)
        gw_turn_part_end();
}

static int set_up(void **state) {
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    gw_turns_open(&fixture->turns, &fixture->loop, &fixture->metrics);
    uv_timer_init(&fixture->loop, &fixture->timer);
    uv_timer_start(&fixture->timer, on_timer, 0, 0);
    uv_run(&fixture->loop, UV_RUN_DEFAULT); // the first turn begins
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    uv_close((uv_handle_t *)&fixture->timer, NULL);
    gw_turns_close(&fixture->turns);
    assert_int_equal(uv_run(&fixture->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    test_free(fixture);
    return 0;
}

// A turn that takes so long, after a wait of `wait_ms`; what was logged. The turn ends where the
// next wait would begin.
static const char *turn(struct fixture *fixture, const char *part, uint64_t spin_ms,
                        uint64_t wait_ms) {
    static char text[4096];
    int ends[2];
    int saved = dup(STDERR_FILENO);
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    fixture->part = part;
    fixture->spin_ms = spin_ms;
    uv_update_time(&fixture->loop);
    uv_timer_start(&fixture->timer, on_timer, wait_ms, 0);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    uv_timer_start(&fixture->timer, on_timer, 0, 0);
    fixture->spin_ms = 0;
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    ssize_t length = read(ends[0], text, sizeof(text) - 1);
    text[length > 0 ? length : 0] = '\0';
    (void)close(saved);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return text;
}

// Of the first line; 0: it is not there.
static unsigned long number_of(const char *line, const char *key) {
    const char *at = strstr(line, key);
    return at != NULL ? strtoul(at + strlen(key), NULL, 10) : 0;
}

// How long it took is the machine's to say, too: longer than the turn was made to last.
static void test_a_long_turn_is_a_line_with_the_part_that_took_it(void **state) {
    struct fixture *fixture = *state;
    const char *line = turn(fixture, "last_used", GW_TURN_LONG_MS + 20, 0);
    assert_true(number_of(line, " warning server long turn ms=") >= GW_TURN_LONG_MS + 20);
    assert_non_null(strstr(line, " processor_ms="));
    assert_true(number_of(line, " part=last_used part_ms=") >= GW_TURN_LONG_MS);
    assert_true(fixture->metrics.loop_turns_long_total >= 1);
    assert_true(fixture->metrics.loop_turn_longest_ms >= GW_TURN_LONG_MS + 20);
}

static void test_a_long_turn_in_no_part_went_into_requests(void **state) {
    struct fixture *fixture = *state;
    const char *line = turn(fixture, NULL, GW_TURN_LONG_MS + 20, 0);
    assert_true(number_of(line, " part=requests part_ms=") >= GW_TURN_LONG_MS);
}

// Whatever the loop waits for: that is no turn. The wait is longer than a long turn, and is not
// measured.
static void test_a_wait_is_no_turn(void **state) {
    struct fixture *fixture = *state;
    uint64_t began_ns = fixture->turns.began_ns;
    uint64_t idle_ns = uv_metrics_idle_time(&fixture->loop);
    (void)turn(fixture, NULL, 1, 2 * GW_TURN_LONG_MS);
    uint64_t all_ns = uv_hrtime() - began_ns;
    idle_ns = uv_metrics_idle_time(&fixture->loop) - idle_ns;
    assert_true(idle_ns > 0);
    assert_in_range(fixture->metrics.loop_turn_longest_ms, 1, (all_ns - idle_ns) / NS_PER_MS + 1);
}

static void test_the_longest_is_of_this_window_and_the_one_before(void **state) {
    struct fixture *fixture = *state;
    (void)turn(fixture, NULL, 2 * GW_TURN_LONG_MS, 0);
    fixture->turns.window_began_ns -= GW_TURN_WINDOW_MS * NS_PER_MS;
    (void)turn(fixture, NULL, 1, 0);
    assert_true(fixture->metrics.loop_turn_longest_ms >= 2 * GW_TURN_LONG_MS);
    fixture->turns.window_began_ns -= GW_TURN_WINDOW_MS * NS_PER_MS;
    (void)turn(fixture, NULL, 0, 0);
    // Unless the machine stood still meanwhile, which the counter would know.
    if (fixture->metrics.loop_turns_long_total == 1)
        assert_in_range(fixture->metrics.loop_turn_longest_ms, 1, GW_TURN_LONG_MS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_a_long_turn_is_a_line_with_the_part_that_took_it),
        TEST(test_a_long_turn_in_no_part_went_into_requests),
        TEST(test_a_wait_is_no_turn),
        TEST(test_the_longest_is_of_this_window_and_the_one_before),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
