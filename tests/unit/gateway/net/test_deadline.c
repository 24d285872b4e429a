// SPDX-License-Identifier: MIT
// On a real loop. Deadlines lie in the past when they are set, so that the next tick is all there
// is to wait for.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/status.h"
#include "gateway/net/deadline.h"

#define KINDS 2
#define LONG_MS 60000
#define WATCHDOG_MS 60000

struct waiter {
    struct gw_deadline deadline;
    struct fixture *fixture;
    int expired_count;
    int order; // 1: the first of all to expire
    void (*on_expired)(struct waiter *waiter);
};

struct fixture {
    uv_loop_t loop;
    uv_timer_t watchdog;
    struct gw_deadline_kind kinds[KINDS];
    struct gw_deadlines deadlines;
    struct waiter waiters[4];
    int expired_count;
    int expected; // the loop stops when so many have expired
    int ticks;    // of the deadlines' timer, counted by the last waiter
    bool is_closed;
};

static void on_expired(struct gw_deadline *deadline) {
    struct waiter *waiter = gw_container_of(deadline, struct waiter, deadline);
    struct fixture *fixture = waiter->fixture;
    assert_true(gw_list_is_empty(&deadline->link));
    waiter->expired_count++;
    waiter->order = ++fixture->expired_count;
    if (waiter->on_expired != NULL)
        waiter->on_expired(waiter);
    if (fixture->expired_count == fixture->expected)
        uv_stop(&fixture->loop);
}

static void on_watchdog(uv_timer_t *timer) {
    (void)timer;
    fail_msg("what was waited for did not happen");
}

static int set_up(void **state) {
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    uv_timer_init(&fixture->loop, &fixture->watchdog);
    uv_timer_start(&fixture->watchdog, on_watchdog, WATCHDOG_MS, 0);
    for (int i = 0; i < KINDS; i++)
        gw_deadline_kind_init(&fixture->kinds[i], i == 0 ? 0 : LONG_MS);
    gw_deadlines_open(&fixture->deadlines, &fixture->loop, fixture->kinds, KINDS);
    for (size_t i = 0; i < sizeof(fixture->waiters) / sizeof(fixture->waiters[0]); i++) {
        fixture->waiters[i].fixture = fixture;
        gw_deadline_init(&fixture->waiters[i].deadline, on_expired);
    }
    *state = fixture;
    return 0;
}

static void on_deadlines_closed(struct gw_deadlines *deadlines) {
    struct fixture *fixture = gw_container_of(deadlines, struct fixture, deadlines);
    fixture->is_closed = true;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    gw_deadlines_close(&fixture->deadlines, on_deadlines_closed);
    uv_close((uv_handle_t *)&fixture->watchdog, NULL);
    assert_int_equal(uv_run(&fixture->loop, UV_RUN_DEFAULT), 0);
    assert_true(fixture->is_closed);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    test_free(fixture);
    return 0;
}

// Expires at the next tick.
static void set_due(struct fixture *fixture, int waiter, int kind) {
    gw_deadline_set(&fixture->waiters[waiter].deadline, &fixture->kinds[kind],
                    uv_now(&fixture->loop) - fixture->kinds[kind].duration_ms);
}

static void run_until_expired(struct fixture *fixture, int count) {
    fixture->expected = count;
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(fixture->expired_count, count);
}

static void test_what_is_due_expires_once_and_in_the_order_it_was_set(void **state) {
    struct fixture *fixture = *state;
    set_due(fixture, 2, 1);
    set_due(fixture, 0, 1);
    set_due(fixture, 1, 1);
    run_until_expired(fixture, 3);
    assert_int_equal(fixture->waiters[2].order, 1);
    assert_int_equal(fixture->waiters[0].order, 2);
    assert_int_equal(fixture->waiters[1].order, 3);
    set_due(fixture, 3, 0); // another tick: none of them comes again
    run_until_expired(fixture, 4);
    assert_int_equal(fixture->waiters[2].expired_count, 1);
}

static void test_what_is_not_due_waits_behind_what_is(void **state) {
    struct fixture *fixture = *state;
    uint64_t now_ms = uv_now(&fixture->loop);
    set_due(fixture, 0, 1);
    gw_deadline_set(&fixture->waiters[1].deadline, &fixture->kinds[1], now_ms);
    assert_int_equal(fixture->waiters[1].deadline.expires_ms, now_ms + LONG_MS);
    run_until_expired(fixture, 1);
    assert_int_equal(fixture->waiters[1].expired_count, 0);
    assert_false(gw_list_is_empty(&fixture->kinds[1].waiting));
}

static void test_a_cleared_deadline_does_not_expire(void **state) {
    struct fixture *fixture = *state;
    gw_deadline_clear(&fixture->waiters[0].deadline); // never set
    set_due(fixture, 0, 1);
    set_due(fixture, 1, 1);
    gw_deadline_clear(&fixture->waiters[0].deadline);
    gw_deadline_clear(&fixture->waiters[0].deadline);
    run_until_expired(fixture, 1);
    assert_int_equal(fixture->waiters[1].expired_count, 1);
}

static void test_setting_again_moves_a_deadline_also_to_another_kind(void **state) {
    struct fixture *fixture = *state;
    set_due(fixture, 0, 1);
    set_due(fixture, 1, 1);
    gw_deadline_set(&fixture->waiters[0].deadline, &fixture->kinds[1], uv_now(&fixture->loop));
    run_until_expired(fixture, 1);
    assert_int_equal(fixture->waiters[1].expired_count, 1);
    set_due(fixture, 0, 0);
    assert_true(gw_list_is_empty(&fixture->kinds[1].waiting));
    run_until_expired(fixture, 2);
    assert_int_equal(fixture->waiters[0].expired_count, 1);
}

static void set_again_twice(struct waiter *waiter) {
    if (waiter->expired_count < 3)
        gw_deadline_set(&waiter->deadline, &waiter->fixture->kinds[0],
                        uv_now(&waiter->fixture->loop));
}

static void note_tick(struct waiter *waiter) {
    waiter->fixture->ticks++;
    set_again_twice(waiter);
}

// Even one without a duration, which is due again at once: a tick must end.
static void test_a_deadline_set_again_inside_waits_for_the_next_tick(void **state) {
    struct fixture *fixture = *state;
    fixture->waiters[0].on_expired = set_again_twice;
    fixture->waiters[1].on_expired = note_tick;
    set_due(fixture, 0, 0);
    set_due(fixture, 1, 0);
    run_until_expired(fixture, 6);
    // Turn by turn: not all of one first.
    assert_int_equal(fixture->waiters[0].order, 5);
    assert_int_equal(fixture->waiters[1].order, 6);
    assert_int_equal(fixture->ticks, 3);
}

static void clear_the_next(struct waiter *waiter) {
    gw_deadline_clear(&waiter[1].deadline);
}

static void test_one_may_clear_another_that_is_due_as_well(void **state) {
    struct fixture *fixture = *state;
    fixture->waiters[0].on_expired = clear_the_next;
    set_due(fixture, 0, 1);
    set_due(fixture, 1, 1);
    set_due(fixture, 2, 1);
    run_until_expired(fixture, 2);
    assert_int_equal(fixture->waiters[1].expired_count, 0);
    assert_int_equal(fixture->waiters[2].expired_count, 1);
}

// The process slept for an hour, between two ticks: what was due within it is put off, and what
// became due by itself before the gap counts is not.
static void test_time_in_which_the_loop_did_not_run_does_not_count(void **state) {
    struct fixture *fixture = *state;
    uint64_t now_ms = uv_now(&fixture->loop);
    gw_deadline_set(&fixture->waiters[0].deadline, &fixture->kinds[1], now_ms - LONG_MS);
    gw_deadline_set(&fixture->waiters[1].deadline, &fixture->kinds[1], now_ms);
    fixture->deadlines.ticked_ms = now_ms - 2 * LONG_MS;
    uint64_t put_off_ms = 2 * LONG_MS - GW_DEADLINE_GAP_MS;
    gw_deadline_set(&fixture->waiters[2].deadline, &fixture->kinds[0], now_ms - put_off_ms - 1000);
    run_until_expired(fixture, 1);
    assert_int_equal(fixture->waiters[2].expired_count, 1);
    assert_int_equal(fixture->waiters[0].expired_count, 0);
    assert_true(fixture->waiters[0].deadline.expires_ms >= now_ms + put_off_ms);
    assert_true(fixture->waiters[1].deadline.expires_ms >= now_ms + LONG_MS + put_off_ms);
}

// Turns of the loop that take long, one after another, do not put deadlines off for ever.
static void test_a_loop_that_is_always_late_still_ends_what_is_due(void **state) {
    struct fixture *fixture = *state;
    uint64_t now_ms = uv_now(&fixture->loop);
    gw_deadline_set(&fixture->waiters[0].deadline, &fixture->kinds[1], now_ms - LONG_MS);
    fixture->deadlines.ticked_ms = now_ms - GW_DEADLINE_GAP_MS;
    run_until_expired(fixture, 1);
}

#define MANY 1000

struct crowd {
    struct gw_deadline deadlines[MANY];
    int expired_count;
};

static struct crowd crowd;

static void count_in_crowd(struct gw_deadline *deadline) {
    // Each after those that were set before it.
    assert_ptr_equal(deadline, &crowd.deadlines[crowd.expired_count]);
    crowd.expired_count++;
}

static void test_many_that_are_due_at_once_expire_a_few_in_a_turn(void **state) {
    struct fixture *fixture = *state;
    crowd.expired_count = 0;
    for (int i = 0; i < MANY; i++) {
        gw_deadline_init(&crowd.deadlines[i], count_in_crowd);
        gw_deadline_set(&crowd.deadlines[i], &fixture->kinds[0], uv_now(&fixture->loop));
    }
    set_due(fixture, 0, 1); // of the next kind, whose turn comes too
    for (int before = 0; fixture->expired_count == 0; before = crowd.expired_count) {
        // Not UV_RUN_ONCE, which may run the timers twice: before it polls and after.
        uv_run(&fixture->loop, UV_RUN_NOWAIT);
        assert_true(crowd.expired_count - before <= GW_DEADLINE_EXPIRED_PER_TURN);
    }
    assert_int_equal(crowd.expired_count, MANY);
}

static void test_the_timer_does_not_keep_the_loop_alive(void **state) {
    struct fixture *fixture = *state;
    uv_timer_stop(&fixture->watchdog);
    set_due(fixture, 0, 1);
    assert_int_equal(uv_run(&fixture->loop, UV_RUN_DEFAULT), 0);
    gw_deadline_clear(&fixture->waiters[0].deadline);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_due_expires_once_and_in_the_order_it_was_set),
        TEST(test_what_is_not_due_waits_behind_what_is),
        TEST(test_a_cleared_deadline_does_not_expire),
        TEST(test_setting_again_moves_a_deadline_also_to_another_kind),
        TEST(test_a_deadline_set_again_inside_waits_for_the_next_tick),
        TEST(test_one_may_clear_another_that_is_due_as_well),
        TEST(test_time_in_which_the_loop_did_not_run_does_not_count),
        TEST(test_a_loop_that_is_always_late_still_ends_what_is_due),
        TEST(test_many_that_are_due_at_once_expire_a_few_in_a_turn),
        TEST(test_the_timer_does_not_keep_the_loop_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
