// SPDX-License-Identifier: MIT
// Room for descriptors, on a loop of its own.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "gateway/process/descriptors.h"

#define CONNECTIONS_MAX 10

static struct rlimit limit_of(void) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    return limit;
}

static void test_the_limit_is_what_the_system_grants(void **state) {
    (void)state;
    struct rlimit before = limit_of();
    before.rlim_cur = 1000;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    gw_descriptors_raise_limit();
    assert_int_equal(limit_of().rlim_cur, before.rlim_max);
}

static void test_the_loop_has_room_for_two_descriptors_a_connection(void **state) {
    (void)state;
    uv_loop_t loop;
    struct gw_descriptor_room room;
    assert_int_equal(uv_loop_init(&loop), 0);
    gw_descriptors_make_room(&room, &loop, CONNECTIONS_MAX);
    assert_true(room.fd > 2 * CONNECTIONS_MAX);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(loop.nwatchers > (unsigned)room.fd);
    assert_int_equal(fcntl(room.fd, F_GETFD), -1); // was closed again
    assert_int_equal(errno, EBADF);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void test_under_a_small_limit_the_room_is_smaller(void **state) {
    (void)state;
    uv_loop_t loop;
    struct gw_descriptor_room room;
    struct rlimit before = limit_of();
    struct rlimit small = {.rlim_cur = 100, .rlim_max = before.rlim_max};
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
    gw_descriptors_make_room(&room, &loop, 100000);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(room.fd, 99);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static int max_for_clients_of(rlim_t current) {
    struct rlimit before = limit_of();
    struct rlimit small = {.rlim_cur = current, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
    int max = gw_descriptors_max_for_clients();
    bool are_left = gw_descriptors_are_left();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(are_left, current > 3);
    return max;
}

// Standard streams take the first three.
static void test_a_part_of_them_is_not_for_clients(void **state) {
    (void)state;
    assert_int_equal(max_for_clients_of(1000), 1000 - GW_DESCRIPTOR_RESERVE);
    assert_int_equal(max_for_clients_of(100), 75);
    assert_int_equal(max_for_clients_of(1), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_limit_is_what_the_system_grants),
        cmocka_unit_test(test_the_loop_has_room_for_two_descriptors_a_connection),
        cmocka_unit_test(test_a_part_of_them_is_not_for_clients),
        cmocka_unit_test(test_under_a_small_limit_the_room_is_smaller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
