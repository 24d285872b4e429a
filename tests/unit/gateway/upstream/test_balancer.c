// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "gateway/upstream/balancer.h"

#define NOW_MS 5000

struct fixture {
    struct gw_metrics metrics;
    struct gw_upstream_balancer balancer;
};

static struct sockaddr_storage address_of(int number) {
    struct sockaddr_storage address = {0};
    char text[32];
    (void)snprintf(text, sizeof(text), "192.0.2.%d", number);
    assert_int_equal(uv_ip4_addr(text, 8080, (struct sockaddr_in *)&address), 0);
    return address;
}

// The name of `origin` has the addresses from..to.
static void list(struct fixture *fixture, int origin, int from, int to) {
    struct sockaddr_storage addresses[GW_UPSTREAM_PEERS_MAX + 8];
    int count = 0;
    for (int number = from; number <= to; number++)
        addresses[count++] = address_of(number);
    gw_upstream_balancer_update(&fixture->balancer, origin, addresses, count);
}

static void open_peers(struct fixture *fixture, int count) {
    memset(fixture, 0, sizeof(*fixture));
    gw_upstream_balancer_init(&fixture->balancer, &fixture->metrics);
    list(fixture, 0, 1, count);
}

static struct gw_upstream_peer *pick(struct fixture *fixture, uint64_t now_ms) {
    struct gw_upstream_tries tries = {.places = 0};
    return gw_upstream_balancer_pick(&fixture->balancer, &tries, now_ms);
}

static int picked(struct fixture *fixture, uint64_t now_ms) {
    const struct gw_upstream_peer *peer = pick(fixture, now_ms);
    assert_non_null(peer);
    return (int)(peer - fixture->balancer.list);
}

static void fail_peer(struct fixture *fixture, int index, int times, uint64_t now_ms) {
    for (int i = 0; i < times; i++)
        gw_upstream_balancer_report_failure(&fixture->balancer, &fixture->balancer.list[index],
                                            now_ms, "test");
}

static void set_in_flight(struct fixture *fixture, int index, int connecting, int busy) {
    int *counts = fixture->balancer.list[index].conns.counts;
    counts[GW_UPSTREAM_CONN_CONNECTING] = connecting;
    counts[GW_UPSTREAM_CONN_BUSY] = busy;
}

// ---- which is next ----

static void test_equal_ones_take_turns(void **state) {
    (void)state;
    struct fixture fixture;
    open_peers(&fixture, 3);
    for (int i = 0; i < 7; i++)
        assert_int_equal(picked(&fixture, NOW_MS), i % 3);
}

static void test_the_least_busy_is_next(void **state) {
    (void)state;
    struct fixture fixture;
    open_peers(&fixture, 3);
    set_in_flight(&fixture, 0, 1, 1);
    set_in_flight(&fixture, 1, 0, 1);
    set_in_flight(&fixture, 2, 2, 0);
    fixture.balancer.list[1].conns.counts[GW_UPSTREAM_CONN_IDLE] = 9; // nothing to do
    for (int i = 0; i < 3; i++)
        assert_int_equal(picked(&fixture, NOW_MS), 1);
}

static void test_one_that_was_tried_is_not_tried_again(void **state) {
    (void)state;
    struct fixture fixture;
    struct gw_upstream_tries tries = {.places = 0};
    open_peers(&fixture, 3);
    for (int i = 0; i < 3; i++)
        assert_non_null(gw_upstream_balancer_pick(&fixture.balancer, &tries, NOW_MS));
    assert_int_equal(tries.places, 7);
    assert_int_equal(tries.left_out, 0);
    assert_null(gw_upstream_balancer_pick(&fixture.balancer, &tries, NOW_MS));
}

// ---- ejection ----

static void test_one_that_fails_in_a_row_is_left_out_for_a_window(void **state) {
    (void)state;
    struct fixture fixture;
    open_peers(&fixture, 3);
    fail_peer(&fixture, 1, GW_UPSTREAM_FAILURES_MAX - 1, NOW_MS);
    gw_upstream_balancer_report_answer(&fixture.balancer, &fixture.balancer.list[1]);
    fail_peer(&fixture, 1, GW_UPSTREAM_FAILURES_MAX - 1, NOW_MS);
    assert_int_equal(fixture.metrics.upstreams_ejected, 0);
    fail_peer(&fixture, 1, 1, NOW_MS);
    assert_int_equal(fixture.metrics.upstreams_ejected, 1);
    for (int i = 0; i < 4; i++)
        assert_int_not_equal(picked(&fixture, NOW_MS + GW_UPSTREAM_EJECTION_MIN_MS - 1), 1);
}

static void test_after_a_window_one_request_is_let_through(void **state) {
    (void)state;
    struct fixture fixture;
    uint64_t end_ms = NOW_MS + GW_UPSTREAM_EJECTION_MIN_MS;
    open_peers(&fixture, 2);
    fail_peer(&fixture, 1, GW_UPSTREAM_FAILURES_MAX, NOW_MS);
    set_in_flight(&fixture, 0, 0, 1);
    assert_int_equal(picked(&fixture, end_ms), 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(picked(&fixture, end_ms + 100000), 0);
    gw_upstream_balancer_report_answer(&fixture.balancer, &fixture.balancer.list[1]);
    assert_int_equal(fixture.metrics.upstreams_ejected, 0);
    assert_int_equal(picked(&fixture, end_ms), 1);
    assert_int_equal(picked(&fixture, end_ms), 1);
}

static void test_windows_double_up_to_a_limit(void **state) {
    (void)state;
    struct fixture fixture;
    uint64_t now_ms = NOW_MS, window_ms = GW_UPSTREAM_EJECTION_MIN_MS;
    open_peers(&fixture, 2);
    fail_peer(&fixture, 1, GW_UPSTREAM_FAILURES_MAX, now_ms);
    set_in_flight(&fixture, 0, 0, 1);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(picked(&fixture, now_ms + window_ms - 1), 0);
        assert_int_equal(picked(&fixture, now_ms + window_ms), 1);
        now_ms += window_ms;
        fail_peer(&fixture, 1, 1, now_ms);
        window_ms *= 2;
        if (window_ms > GW_UPSTREAM_EJECTION_MAX_MS)
            window_ms = GW_UPSTREAM_EJECTION_MAX_MS;
    }
    assert_int_equal(window_ms, GW_UPSTREAM_EJECTION_MAX_MS);
    assert_int_equal(fixture.metrics.upstreams_ejected, 1);
}

static void test_a_request_that_could_not_tell_makes_room_for_another(void **state) {
    (void)state;
    struct fixture fixture;
    uint64_t end_ms = NOW_MS + GW_UPSTREAM_EJECTION_MIN_MS;
    open_peers(&fixture, 2);
    fail_peer(&fixture, 1, GW_UPSTREAM_FAILURES_MAX, NOW_MS);
    set_in_flight(&fixture, 0, 0, 1);
    gw_upstream_balancer_report_nothing(&fixture.balancer.list[1],
                                        NOW_MS); // not the one let through
    assert_int_equal(picked(&fixture, NOW_MS), 0);
    assert_int_equal(picked(&fixture, end_ms), 1);
    gw_upstream_balancer_report_nothing(&fixture.balancer.list[1], end_ms);
    assert_int_equal(picked(&fixture, end_ms), 1);
}

static void test_the_last_one_is_never_left_out(void **state) {
    (void)state;
    struct fixture fixture;
    open_peers(&fixture, 2);
    fail_peer(&fixture, 0, GW_UPSTREAM_FAILURES_MAX, NOW_MS);
    fail_peer(&fixture, 1, 100, NOW_MS);
    assert_int_equal(fixture.metrics.upstreams_ejected, 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(picked(&fixture, NOW_MS), 1);
}

static void test_one_that_is_left_out_is_better_than_none(void **state) {
    (void)state;
    struct fixture fixture;
    struct gw_upstream_tries tries = {.places = 1 << 1};
    open_peers(&fixture, 2);
    fail_peer(&fixture, 0, GW_UPSTREAM_FAILURES_MAX, NOW_MS);
    assert_ptr_equal(gw_upstream_balancer_pick(&fixture.balancer, &tries, NOW_MS),
                     &fixture.balancer.list[0]);
}

static void test_a_request_tries_all_others_and_a_few_that_are_left_out(void **state) {
    (void)state;
    enum { ALL = 20, LEFT_OUT = 10 };
    struct fixture fixture;
    struct gw_upstream_tries tries = {.places = 0};
    gw_log_set_level(GW_LOG_ERROR);
    open_peers(&fixture, ALL);
    for (int i = 0; i < LEFT_OUT; i++)
        fail_peer(&fixture, i, GW_UPSTREAM_FAILURES_MAX, NOW_MS);
    for (int i = 0; i < ALL - LEFT_OUT; i++) {
        const struct gw_upstream_peer *peer =
            gw_upstream_balancer_pick(&fixture.balancer, &tries, NOW_MS);
        assert_non_null(peer);
        assert_int_equal(peer->window_ms, 0);
    }
    for (int i = 0; i < GW_UPSTREAM_LEFT_OUT_TRIES_MAX; i++)
        assert_non_null(gw_upstream_balancer_pick(&fixture.balancer, &tries, NOW_MS));
    assert_null(gw_upstream_balancer_pick(&fixture.balancer, &tries, NOW_MS));
}

// ---- which there are ----

static void test_an_address_that_is_gone_gets_nothing_more(void **state) {
    (void)state;
    struct fixture fixture;
    open_peers(&fixture, 3);
    fail_peer(&fixture, 0, GW_UPSTREAM_FAILURES_MAX, NOW_MS);
    list(&fixture, 0, 2, 3);
    assert_int_equal(fixture.metrics.upstreams_ejected, 0);
    for (int i = 0; i < 4; i++)
        assert_int_not_equal(picked(&fixture, NOW_MS), 0);
}

static void test_an_address_that_stays_keeps_what_is_known_of_it(void **state) {
    (void)state;
    struct fixture fixture;
    open_peers(&fixture, 2);
    fail_peer(&fixture, 0, GW_UPSTREAM_FAILURES_MAX, NOW_MS);
    list(&fixture, 0, 1, 3);
    assert_int_equal(fixture.balancer.count, 3);
    assert_int_equal(fixture.metrics.upstreams_ejected, 1);
    for (int i = 0; i < 4; i++)
        assert_int_not_equal(picked(&fixture, NOW_MS), 0);
}

static void test_a_place_is_given_away_when_its_last_connection_has_closed(void **state) {
    (void)state;
    struct fixture fixture;
    open_peers(&fixture, 1);
    set_in_flight(&fixture, 0, 0, 1);
    list(&fixture, 0, 2, 2);
    assert_int_equal(fixture.balancer.count, 2);
    set_in_flight(&fixture, 0, 0, 0);
    list(&fixture, 0, 2, 3);
    assert_int_equal(fixture.balancer.count, 2);
    const struct sockaddr_storage third = address_of(3);
    assert_memory_equal(&fixture.balancer.list[0].address, &third, sizeof(third));
}

static void test_a_place_that_is_given_away_is_no_longer_left_out(void **state) {
    (void)state;
    struct fixture fixture;
    open_peers(&fixture, 2);
    fail_peer(&fixture, 0, GW_UPSTREAM_FAILURES_MAX, NOW_MS);
    list(&fixture, 0, 2, 3);
    assert_int_equal(fixture.balancer.count, 2);
    assert_int_equal(fixture.metrics.upstreams_ejected, 0);
}

static void test_each_name_has_its_own_addresses(void **state) {
    (void)state;
    struct fixture fixture;
    open_peers(&fixture, 2);
    list(&fixture, 1, 1, 1); // the same address, of another name
    assert_int_equal(fixture.balancer.count, 3);
    list(&fixture, 0, 1, 1);
    assert_true(fixture.balancer.list[0].is_listed);
    assert_false(fixture.balancer.list[1].is_listed);
    assert_true(fixture.balancer.list[2].is_listed);
}

static void test_more_addresses_than_places_are_not_used(void **state) {
    (void)state;
    struct fixture fixture;
    gw_log_set_level(GW_LOG_ERROR);
    open_peers(&fixture, GW_UPSTREAM_PEERS_MAX + 5);
    assert_int_equal(fixture.balancer.count, GW_UPSTREAM_PEERS_MAX);
    struct gw_upstream_tries tries = {.places = 0};
    int count = 0;
    while (gw_upstream_balancer_pick(&fixture.balancer, &tries, NOW_MS) != NULL)
        count++;
    assert_int_equal(count, GW_UPSTREAM_PEERS_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_ones_take_turns),
        cmocka_unit_test(test_the_least_busy_is_next),
        cmocka_unit_test(test_one_that_was_tried_is_not_tried_again),
        cmocka_unit_test(test_one_that_fails_in_a_row_is_left_out_for_a_window),
        cmocka_unit_test(test_after_a_window_one_request_is_let_through),
        cmocka_unit_test(test_windows_double_up_to_a_limit),
        cmocka_unit_test(test_a_request_that_could_not_tell_makes_room_for_another),
        cmocka_unit_test(test_the_last_one_is_never_left_out),
        cmocka_unit_test(test_one_that_is_left_out_is_better_than_none),
        cmocka_unit_test(test_a_request_tries_all_others_and_a_few_that_are_left_out),
        cmocka_unit_test(test_an_address_that_is_gone_gets_nothing_more),
        cmocka_unit_test(test_an_address_that_stays_keeps_what_is_known_of_it),
        cmocka_unit_test(test_a_place_is_given_away_when_its_last_connection_has_closed),
        cmocka_unit_test(test_a_place_that_is_given_away_is_no_longer_left_out),
        cmocka_unit_test(test_each_name_has_its_own_addresses),
        cmocka_unit_test(test_more_addresses_than_places_are_not_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
