// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/exchange/services.h"

// Stands for another turn of the loop.
static void pass_time(struct gw_services *services) {
    uint64_t before_ms = uv_now(services->loop);
    while (uv_now(services->loop) == before_ms)
        uv_update_time(services->loop);
}

static void test_touch_brings_time_and_date_up_to_now(void **state) {
    struct gw_services services = {.loop = *state};
    char date[GW_CLOCK_HTTP_LENGTH];
    int64_t before_ms = gw_clock_wall_ms();
    gw_services_touch(&services);
    assert_in_range(services.wall_ms, before_ms, gw_clock_wall_ms());
    gw_clock_format_http(services.wall_ms, date);
    assert_memory_equal(services.http_date, date, sizeof(date));
}

static void test_the_clock_is_asked_once_a_turn(void **state) {
    struct gw_services services = {.loop = *state};
    gw_services_touch(&services);
    services.wall_ms = 1;
    gw_services_touch(&services);
    assert_int_equal(services.wall_ms, 1);
    int64_t before_ms = gw_clock_wall_ms();
    pass_time(&services);
    gw_services_touch(&services);
    assert_in_range(services.wall_ms, before_ms, gw_clock_wall_ms());
}

static void test_a_time_of_the_turn_is_told_without_asking_the_clock(void **state) {
    struct gw_services services = {.loop = *state};
    int64_t before_ms = gw_clock_wall_ms();
    gw_services_touch(&services);
    int64_t now_ms = gw_services_wall_ms_at(&services, uv_hrtime());
    assert_in_range(now_ms, before_ms, gw_clock_wall_ms());
    services.wall_us = 5000500;
    services.touched_ns = 10000000;
    assert_int_equal(gw_services_wall_ms_at(&services, 10000000), 5000);
    assert_int_equal(gw_services_wall_ms_at(&services, 10500000), 5001);
    assert_int_equal(gw_services_wall_ms_at(&services, 9000000), 4999);
}

static void test_the_date_is_written_once_a_second(void **state) {
    struct gw_services services = {.loop = *state};
    char date[GW_CLOCK_HTTP_LENGTH];
    int64_t second;
    // Twice within one second; when the clock ticks in between, once more.
    do {
        pass_time(&services);
        gw_services_touch(&services);
        second = services.http_date_second;
        memset(services.http_date, 'x', sizeof(services.http_date));
        pass_time(&services);
        gw_services_touch(&services);
    } while (services.http_date_second != second);
    assert_int_equal(services.http_date[0], 'x');
    services.http_date_second--;
    pass_time(&services);
    gw_services_touch(&services);
    gw_clock_format_http(services.wall_ms, date);
    assert_memory_equal(services.http_date, date, sizeof(date));
}

static void test_request_ids_are_the_half_of_the_process_and_a_counter(void **state) {
    (void)state;
    struct gw_services services = {.request_id_base = 0x0123456789abcdef,
                                   .request_id_next = 0xfffffffe};
    char id[GW_REQUEST_ID_LENGTH + 1];
    gw_services_make_request_id(&services, id);
    assert_string_equal(id, "0123456789abcdef00000000fffffffe");
    gw_services_make_request_id(&services, id);
    assert_string_equal(id, "0123456789abcdef00000000ffffffff");
    gw_services_make_request_id(&services, id);
    assert_string_equal(id, "0123456789abcdef0000000100000000");
}

static int set_up(void **state) {
    static uv_loop_t loop;
    *state = &loop;
    return uv_loop_init(&loop);
}

static int tear_down(void **state) {
    return uv_loop_close(*state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_touch_brings_time_and_date_up_to_now),
        cmocka_unit_test(test_the_clock_is_asked_once_a_turn),
        cmocka_unit_test(test_a_time_of_the_turn_is_told_without_asking_the_clock),
        cmocka_unit_test(test_the_date_is_written_once_a_second),
        cmocka_unit_test(test_request_ids_are_the_half_of_the_process_and_a_counter),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
