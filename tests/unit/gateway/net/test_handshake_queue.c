// SPDX-License-Identifier: MIT
// On a real loop. A turn that takes longer than the budget ends its queue's share, so what runs in
// one round of the loop does not depend on the machine.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/net/handshake_queue.h"

#define WAITERS 6

struct waiter {
    struct gw_handshake_turn turn;
    struct fixture *fixture;
    char name;
};

struct fixture {
    uv_loop_t loop;
    struct gw_metrics metrics;
    struct gw_handshake_queue queue;
    struct waiter waiters[WAITERS];
    char order[WAITERS + 1]; // the names of those that had a turn
    struct waiter *to_leave; // in the next turn
};

// Longer than any budget.
static void on_turn(struct gw_handshake_turn *turn) {
    struct waiter *waiter = gw_container_of(turn, struct waiter, turn);
    struct fixture *fixture = waiter->fixture;
    assert_true(gw_list_is_empty(&turn->link));
    fixture->order[strlen(fixture->order)] = waiter->name;
    if (fixture->to_leave != NULL)
        gw_handshake_queue_leave(&fixture->queue, &fixture->to_leave->turn);
    uint64_t end_ns = uv_hrtime() + GW_HANDSHAKE_BUDGET_US * UINT64_C(1000);
    while (uv_hrtime() <= end_ns) {
    }
}

static int set_up(void **state) {
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    gw_handshake_queue_open(&fixture->queue, &fixture->loop, 4, &fixture->metrics);
    for (int i = 0; i < WAITERS; i++) {
        fixture->waiters[i] = (struct waiter){.fixture = fixture, .name = (char)('a' + i)};
        gw_handshake_turn_init(&fixture->waiters[i].turn, on_turn);
    }
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    gw_handshake_queue_close(&fixture->queue);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    test_free(fixture);
    return 0;
}

static void begin(struct fixture *fixture, int waiter, enum gw_handshake_kind queue) {
    assert_int_equal(
        gw_handshake_queue_begin(&fixture->queue, &fixture->waiters[waiter].turn, queue), GW_OK);
}

static void assert_next_round(struct fixture *fixture, const char *expected) {
    memset(fixture->order, 0, sizeof(fixture->order));
    (void)uv_run(&fixture->loop, UV_RUN_NOWAIT);
    assert_string_equal(fixture->order, expected);
}

static void test_each_round_serves_tickets_first_and_both_queues(void **state) {
    struct fixture *fixture = *state;
    begin(fixture, 0, GW_HANDSHAKE_FULL);
    begin(fixture, 1, GW_HANDSHAKE_FULL);
    begin(fixture, 2, GW_HANDSHAKE_SHORT);
    begin(fixture, 3, GW_HANDSHAKE_SHORT);
    assert_next_round(fixture, "ca");
    assert_next_round(fixture, "db");
    assert_next_round(fixture, "");
}

static void test_nothing_runs_inside_the_call(void **state) {
    struct fixture *fixture = *state;
    begin(fixture, 0, GW_HANDSHAKE_FULL);
    assert_string_equal(fixture->order, "");
    assert_next_round(fixture, "a");
}

static void test_the_newest_over_the_bound_is_refused(void **state) {
    struct fixture *fixture = *state;
    for (int i = 0; i < 4; i++)
        begin(fixture, i, i % 2 == 0 ? GW_HANDSHAKE_FULL : GW_HANDSHAKE_SHORT);
    for (int i = 0; i < 2; i++)
        assert_int_equal(gw_handshake_queue_begin(&fixture->queue, &fixture->waiters[4].turn,
                                                  (enum gw_handshake_kind)i),
                         GW_TOO_BIG);
    assert_int_equal(fixture->metrics.tls_handshakes_refused_total, 2);
    assert_int_equal(fixture->metrics.tls_handshakes_waiting, 4);
    assert_next_round(fixture, "ba");
    begin(fixture, 4, GW_HANDSHAKE_FULL);
    assert_int_equal(fixture->metrics.tls_handshakes_waiting, 3);
}

static void test_who_has_begun_is_never_refused(void **state) {
    struct fixture *fixture = *state;
    for (int i = 0; i < 4; i++)
        begin(fixture, i, GW_HANDSHAKE_FULL);
    gw_handshake_queue_go_on(&fixture->queue, &fixture->waiters[4].turn);
    gw_handshake_queue_go_on(&fixture->queue, &fixture->waiters[4].turn);
    assert_int_equal(fixture->metrics.tls_handshakes_waiting, 4);
    assert_next_round(fixture, "ea");
    assert_next_round(fixture, "b");
    assert_int_equal(fixture->metrics.tls_handshakes_waiting, 2);
}

static void test_who_leaves_has_no_turn(void **state) {
    struct fixture *fixture = *state;
    begin(fixture, 0, GW_HANDSHAKE_SHORT);
    begin(fixture, 1, GW_HANDSHAKE_FULL);
    begin(fixture, 2, GW_HANDSHAKE_FULL);
    fixture->to_leave = &fixture->waiters[1]; // from within another's turn, too
    assert_next_round(fixture, "ac");
    assert_int_equal(fixture->metrics.tls_handshakes_waiting, 0);
    gw_handshake_queue_leave(&fixture->queue, &fixture->waiters[2].turn);
    assert_int_equal(fixture->metrics.tls_handshakes_waiting, 0);
}

static void test_the_loop_sleeps_when_nobody_waits(void **state) {
    struct fixture *fixture = *state;
    begin(fixture, 0, GW_HANDSHAKE_FULL);
    assert_int_equal(uv_backend_timeout(&fixture->loop), 0);
    assert_next_round(fixture, "a");
    assert_false(uv_is_active((uv_handle_t *)&fixture->queue.idle));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_round_serves_tickets_first_and_both_queues,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing_runs_inside_the_call, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_newest_over_the_bound_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_who_has_begun_is_never_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_leaves_has_no_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_loop_sleeps_when_nobody_waits, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
