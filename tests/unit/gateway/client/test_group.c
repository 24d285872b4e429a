// SPDX-License-Identifier: MIT
// A group whose members are counters.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/client/group.h"

#define MEMBERS 3

struct member {
    struct gw_group_member base;
    struct fixture *fixture;
    int flush_count, dismiss_count, close_count, room_count;
    bool is_idle;
};

struct fixture {
    uv_loop_t loop;
    struct gw_metrics metrics;
    struct gw_services services;
    struct gw_conn_group group;
    struct member members[MEMBERS];
    int drained_count, closed_count;
};

static struct member *member_of(struct gw_group_member *base) {
    return gw_container_of(base, struct member, base);
}

static void on_flush(struct gw_group_member *base) {
    member_of(base)->flush_count++;
}

static bool on_dismiss(struct gw_group_member *base) {
    struct member *member = member_of(base);
    member->dismiss_count++;
    if (member->is_idle)
        gw_conn_group_leave(&member->fixture->group, base);
    return member->is_idle;
}

static bool on_make_room(struct gw_group_member *base) {
    struct member *member = member_of(base);
    member->room_count++;
    if (member->is_idle)
        gw_conn_group_note_closing(&member->fixture->group, base);
    return member->is_idle;
}

static void on_close(struct gw_group_member *base) {
    member_of(base)->close_count++;
}

static const struct gw_group_member_calls calls = {.on_flush = on_flush,
                                                   .on_dismiss = on_dismiss,
                                                   .on_make_room = on_make_room,
                                                   .on_close = on_close};

static struct fixture *fixture_of(struct gw_conn_group *group) {
    return gw_container_of(group, struct fixture, group);
}

static void on_drained(struct gw_conn_group *group) {
    assert_int_equal(group->open_count, 0);
    fixture_of(group)->drained_count++;
}

static void on_closed(struct gw_conn_group *group) {
    assert_int_equal(group->open_count, 0);
    fixture_of(group)->closed_count++;
}

static int set_up(void **state) {
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    fixture->services.loop = &fixture->loop;
    fixture->services.metrics = &fixture->metrics;
    gw_conn_group_open(&fixture->group, &fixture->services, MEMBERS - 1);
    assert_int_equal(gw_idle_init(&fixture->group.idle, 1), GW_OK);
    for (int i = 0; i < MEMBERS; i++) {
        fixture->members[i].fixture = fixture;
        gw_conn_group_join(&fixture->group, &fixture->members[i].base, &calls);
        assert_int_equal(gw_conn_group_is_over(&fixture->group), i == MEMBERS - 1);
    }
    assert_int_equal(fixture->metrics.connections_open, MEMBERS);
    *state = fixture;
    return 0;
}

static void leave(struct fixture *fixture, int index) {
    gw_conn_group_leave(&fixture->group, &fixture->members[index].base);
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    if (!uv_is_closing((uv_handle_t *)&fixture->group.flusher))
        gw_conn_group_close(&fixture->group, on_closed);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(fixture->closed_count, 1);
    assert_int_equal(fixture->metrics.connections_open, 0);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    gw_idle_deinit(&fixture->group.idle);
    test_free(fixture);
    return 0;
}

static void leave_all(struct fixture *fixture) {
    for (int i = 0; i < MEMBERS; i++)
        leave(fixture, i);
}

static void end_turn(struct fixture *fixture) {
    uv_ref((uv_handle_t *)&fixture->group.flusher);
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
    uv_unref((uv_handle_t *)&fixture->group.flusher);
}

static void test_a_member_is_flushed_once_at_the_end_of_the_turn(void **state) {
    struct fixture *fixture = *state;
    struct member *members = fixture->members;
    gw_conn_group_flush_later(&fixture->group, &members[0].base);
    gw_conn_group_flush_later(&fixture->group, &members[0].base);
    gw_conn_group_flush_later(&fixture->group, &members[1].base);
    gw_conn_group_forget_flush(&members[1].base);
    gw_conn_group_forget_flush(&members[2].base);
    assert_int_equal(members[0].flush_count, 0);
    end_turn(fixture);
    end_turn(fixture);
    assert_int_equal(members[0].flush_count, 1);
    assert_int_equal(members[1].flush_count + members[2].flush_count, 0);
    leave_all(fixture);
}

static void test_a_member_that_has_left_is_not_flushed(void **state) {
    struct fixture *fixture = *state;
    gw_conn_group_flush_later(&fixture->group, &fixture->members[0].base);
    leave_all(fixture);
    end_turn(fixture);
    assert_int_equal(fixture->members[0].flush_count, 0);
}

static void test_the_drain_ends_with_the_last_member(void **state) {
    struct fixture *fixture = *state;
    fixture->services.is_draining = true;
    gw_conn_group_drain(&fixture->group, on_drained);
    leave(fixture, 0);
    leave(fixture, 1);
    assert_int_equal(fixture->drained_count, 0);
    leave(fixture, 2);
    assert_int_equal(fixture->drained_count, 1);
    gw_conn_group_join(&fixture->group, &fixture->members[0].base, &calls); // from the queue
    leave(fixture, 0);
    assert_int_equal(fixture->drained_count, 2);
}

static void test_who_is_busy_when_dismissed_is_counted(void **state) {
    struct fixture *fixture = *state;
    fixture->services.is_draining = true;
    gw_conn_group_drain(&fixture->group, on_drained);
    fixture->members[1].is_idle = true;
    assert_int_equal(gw_conn_group_dismiss(&fixture->group), 2);
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(fixture->members[i].dismiss_count, 1);
    assert_int_equal(fixture->group.open_count, 2);
    leave(fixture, 0);
    leave(fixture, 2);
    assert_int_equal(fixture->drained_count, 0); // the drain is over
}

static void test_the_group_closes_after_its_members(void **state) {
    struct fixture *fixture = *state;
    fixture->services.is_draining = true;
    gw_conn_group_drain(&fixture->group, on_drained);
    gw_conn_group_close(&fixture->group, on_closed);
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(fixture->members[i].close_count, 1);
    leave(fixture, 0);
    leave(fixture, 1);
    assert_int_equal(fixture->closed_count, 0);
    uv_run(&fixture->loop, UV_RUN_DEFAULT); // the group's own handle has closed
    assert_int_equal(fixture->closed_count, 0);
    leave(fixture, 2);
    assert_int_equal(fixture->closed_count, 1);
    assert_int_equal(fixture->drained_count, 0); // the cut took the place of the drain
}

static void test_the_group_closes_after_its_handle(void **state) {
    struct fixture *fixture = *state;
    fixture->services.is_draining = true;
    gw_conn_group_drain(&fixture->group, on_drained);
    gw_conn_group_close(&fixture->group, on_closed);
    leave_all(fixture);
    assert_int_equal(fixture->closed_count + fixture->drained_count, 0);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(fixture->closed_count, 1);
}

static void note_idle(struct fixture *fixture, int index) {
    struct gw_idle_member *idle = &fixture->members[index].base.idle;
    fixture->members[index].is_idle = true;
    gw_idle_join(&fixture->group.idle, idle, 7);
    gw_idle_enter(&fixture->group.idle, idle);
}

// For another client.
static bool make_room(struct fixture *fixture) {
    struct gw_group_member newcomer = {.calls = NULL};
    gw_idle_join(&fixture->group.idle, &newcomer.idle, 8);
    bool has_made_room = gw_conn_group_make_room(&fixture->group, &newcomer);
    gw_idle_leave(&fixture->group.idle, &newcomer.idle);
    return has_made_room;
}

// One that makes room counts no more, though it takes a while to close.
static void test_an_idle_member_makes_room_once(void **state) {
    struct fixture *fixture = *state;
    assert_false(make_room(fixture));
    note_idle(fixture, 1);
    assert_true(gw_conn_group_is_over(&fixture->group));
    assert_true(make_room(fixture));
    assert_false(gw_conn_group_is_over(&fixture->group));
    assert_false(make_room(fixture));
    assert_int_equal(fixture->members[1].room_count, 1);
    assert_int_equal(fixture->metrics.connections_made_room_total, 1);
    leave(fixture, 1);
    assert_false(gw_conn_group_is_over(&fixture->group));
    fixture->members[1].is_idle = false;
    gw_conn_group_join(&fixture->group, &fixture->members[1].base, &calls);
    assert_true(gw_conn_group_is_over(&fixture->group));
    leave_all(fixture);
}

static void test_a_shortage_of_descriptors_is_a_lower_limit(void **state) {
    struct fixture *fixture = *state;
    fixture->group.count_max = 100;
    assert_false(gw_conn_group_is_over(&fixture->group));
    gw_conn_group_note_shortage(&fixture->group);
    assert_true(gw_conn_group_is_over(&fixture->group));
    leave(fixture, 0);
    assert_false(gw_conn_group_is_over(&fixture->group));
    gw_conn_group_join(&fixture->group, &fixture->members[0].base, &calls);
    assert_true(gw_conn_group_is_over(&fixture->group));
    fixture->group.short_until_ms = uv_now(&fixture->loop);
    assert_false(gw_conn_group_is_over(&fixture->group));
    leave_all(fixture);
}

static void test_a_member_that_closes_has_left_its_place(void **state) {
    struct fixture *fixture = *state;
    assert_true(gw_conn_group_is_over(&fixture->group));
    for (int i = 0; i < 2; i++)
        gw_conn_group_note_closing(&fixture->group, &fixture->members[0].base);
    assert_false(gw_conn_group_is_over(&fixture->group));
    leave(fixture, 1);
    leave(fixture, 0);
    assert_int_equal(fixture->group.closing_count, 0);
    leave(fixture, 2);
}

static void test_a_member_that_is_busy_again_is_passed_over(void **state) {
    struct fixture *fixture = *state;
    for (int i = 0; i < MEMBERS; i++)
        note_idle(fixture, i);
    gw_idle_exit(&fixture->group.idle, &fixture->members[0].base.idle);
    fixture->members[1].is_idle = false; // and has not said so
    assert_true(make_room(fixture));
    assert_int_equal(fixture->members[0].room_count, 0);
    assert_int_equal(fixture->members[1].room_count, 1);
    assert_int_equal(fixture->members[2].room_count, 1);
    assert_false(make_room(fixture));
    leave_all(fixture);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_member_is_flushed_once_at_the_end_of_the_turn),
        TEST(test_a_member_that_has_left_is_not_flushed),
        TEST(test_the_drain_ends_with_the_last_member),
        TEST(test_who_is_busy_when_dismissed_is_counted),
        TEST(test_the_group_closes_after_its_members),
        TEST(test_the_group_closes_after_its_handle),
        TEST(test_an_idle_member_makes_room_once),
        TEST(test_a_shortage_of_descriptors_is_a_lower_limit),
        TEST(test_a_member_that_closes_has_left_its_place),
        TEST(test_a_member_that_is_busy_again_is_passed_over),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
