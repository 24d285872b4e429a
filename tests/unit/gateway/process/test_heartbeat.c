// SPDX-License-Identifier: MIT
// A heartbeat on a loop of its own, and a pool that counts what the test says.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "db/events.h"
#include "db/pool.h"
#include "gateway/process/heartbeat.h"

struct fixture {
    uv_loop_t loop;
    struct gw_metrics metrics;
    struct gw_services services;
    struct gw_notify notify;
    struct gw_heartbeat heartbeat;
};

void db_pool_stats(const struct db_pool *pool, struct db_pool_stats *stats) {
    assert_non_null(pool);
    *stats = (struct db_pool_stats){.queries_total = 7};
}

uint64_t db_events_heard_ms(const struct db_events *events) {
    (void)events;
    return 0;
}

static int set_up(void **state) {
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    fixture->services.loop = &fixture->loop;
    fixture->services.metrics = &fixture->metrics;
    gw_notify_init_silent(&fixture->notify);
    gw_heartbeat_open(&fixture->heartbeat, &fixture->services, &fixture->notify);
    *state = fixture;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    gw_heartbeat_close(&fixture->heartbeat);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    test_free(fixture);
    return 0;
}

static void wait_for_beat(struct fixture *fixture) {
    uv_ref((uv_handle_t *)&fixture->heartbeat.timer);
    int64_t before = fixture->metrics.heartbeats_total;
    while (fixture->metrics.heartbeats_total == before)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    uv_unref((uv_handle_t *)&fixture->heartbeat.timer);
}

static void test_a_beat_shows_what_the_pool_counts_once_there_is_one(void **state) {
    struct fixture *fixture = *state;
    wait_for_beat(fixture);
    assert_int_equal(fixture->metrics.database_queries_total, 0);
    assert_true(fixture->metrics.process.start_ms > 0);
    fixture->services.pool = (struct db_pool *)(void *)fixture; // never looked into
    wait_for_beat(fixture);
    assert_int_equal(fixture->metrics.database_queries_total, 7);
}

static void test_it_keeps_no_loop_alive(void **state) {
    struct fixture *fixture = *state;
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(fixture->metrics.heartbeats_total, 0);
}

static void test_each_beat_is_told_to_a_manager_that_watches(void **state) {
    struct fixture *fixture = *state;
    static const char name[] = "skillreg-heartbeat";
    struct sockaddr_un *address = &fixture->notify.address;
    char text[16] = "";
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path + 1, name, sizeof(name));
    (void)snprintf(address->sun_path + sizeof(name), 16, "%d", (int)getpid());
    fixture->notify.address_bytes = sizeof(*address);
    fixture->notify.is_watched = true;
    fixture->notify.fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    int manager = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(bind(manager, (const struct sockaddr *)address, sizeof(*address)), 0);
    wait_for_beat(fixture);
    assert_int_equal(recv(manager, text, sizeof(text) - 1, 0), strlen("WATCHDOG=1"));
    assert_string_equal(text, "WATCHDOG=1");
    gw_notify_close(&fixture->notify);
    close(manager);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_beat_shows_what_the_pool_counts_once_there_is_one),
        TEST(test_each_beat_is_told_to_a_manager_that_watches),
        TEST(test_it_keeps_no_loop_alive),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
