// SPDX-License-Identifier: MIT
// What can be decided is the test's to say: the functions of the cache and the pool that the code
// under test calls stand below, and the linker takes them in place of the library's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "db/pool.h"
#include "gateway/auth/auth.h"
#include "gateway/auth/cache.h"
#include "gateway/process/readiness.h"

struct fixture {
    uv_loop_t loop;
    uv_idle_t others;             // what else keeps the loop running
    struct gw_metrics workers[2]; // the first one's is under test
    struct gw_auth auth;
    struct gw_services services;
    struct gw_readiness readiness;
    enum gw_auth_means means;
    const char *trouble;
    int listen_count;
};

static struct fixture *the;

enum gw_auth_means gw_auth_cache_means(const struct gw_auth_cache *cache) {
    (void)cache;
    return the->means;
}

const char *db_pool_trouble(const struct db_pool *pool, bool *is_reached) {
    (void)pool;
    *is_reached = false;
    return the->trouble;
}

static void on_may_listen(struct gw_readiness *readiness) {
    assert_ptr_equal(readiness, &the->readiness);
    the->listen_count++;
    the->services.is_listening = true;
}

static void on_idle(uv_idle_t *idle) {
    (void)idle;
}

static int set_up(void **state) {
    the = test_calloc(1, sizeof(*the));
    assert_int_equal(uv_loop_init(&the->loop), 0);
    uv_idle_init(&the->loop, &the->others);
    uv_idle_start(&the->others, on_idle);
    the->services = (struct gw_services){.loop = &the->loop,
                                         .metrics = &the->workers[0],
                                         .all_metrics = the->workers,
                                         .worker_count = 2,
                                         .auth = &the->auth};
    the->means = GW_AUTH_BY_NOTHING;
    the->trouble = "refused";
    gw_readiness_open(&the->readiness, &the->services, on_may_listen);
    *state = the;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    gw_readiness_close(&the->readiness);
    gw_readiness_close(&the->readiness); // is harmless
    assert_int_equal(the->workers[0].workers_ready, 0);
    uv_close((uv_handle_t *)&the->others, NULL);
    uv_run(&the->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&the->loop), 0);
    test_free(the);
    return 0;
}

static void turn(void) {
    uv_run(&the->loop, UV_RUN_NOWAIT);
}

static void test_it_listens_once_it_can_decide(void **state) {
    (void)state;
    the->workers[1].workers_ready = 1; // its patience has no end, however slow the machine is
    turn();
    assert_int_equal(the->listen_count, 0);
    assert_false(the->services.has_decided);
    the->means = GW_AUTH_BY_DATABASE;
    turn();
    assert_int_equal(the->listen_count, 1);
    assert_true(the->services.has_decided);
    turn();
    assert_int_equal(the->listen_count, 1);
    assert_int_equal(the->workers[0].workers_ready, 1);
}

static void test_without_a_database_it_listens_when_its_patience_is_over(void **state) {
    (void)state;
    uv_idle_stop(&the->others);
    uv_run(&the->loop, UV_RUN_DEFAULT); // the timer alone keeps it running
    uv_idle_start(&the->others, on_idle);
    assert_int_equal(the->listen_count, 1);
    assert_false(the->services.has_decided);
    turn();
    assert_int_equal(the->workers[0].workers_ready, 0);
    the->means = GW_AUTH_BY_DATABASE;
    turn();
    assert_int_equal(the->workers[0].workers_ready, 1);
    assert_int_equal(the->listen_count, 1);
}

// Its patience is over by the clock of this loop, without the waiting.
static void pass_patience(uint64_t ms) {
    uv_timer_t *patience = &the->readiness.patience;
    the->readiness.opened_ms -= ms;
    assert_int_equal(uv_timer_start(patience, patience->timer_cb, 0, 1), 0);
    for (int i = 0; i < 3; i++)
        uv_run(&the->loop, UV_RUN_ONCE);
}

static void test_it_is_patient_with_the_first_attempt_to_connect(void **state) {
    (void)state;
    the->trouble = NULL;
    pass_patience(GW_LISTEN_PATIENCE_MS);
    assert_int_equal(the->listen_count, 0);
    the->trouble = "timed out";
    pass_patience(0);
    assert_int_equal(the->listen_count, 1);
}

static void test_its_patience_ends_whatever_hangs(void **state) {
    (void)state;
    the->trouble = NULL;
    pass_patience(GW_LISTEN_PATIENCE_MAX_MS);
    assert_int_equal(the->listen_count, 1);
}

static void test_it_is_patient_while_another_worker_can_decide(void **state) {
    (void)state;
    the->workers[1].workers_ready = 1;
    pass_patience(GW_LISTEN_PATIENCE_MAX_MS);
    assert_int_equal(the->listen_count, 0);
    the->workers[1].workers_ready = 0; // it has died
    pass_patience(0);
    assert_int_equal(the->listen_count, 1);
    assert_false(the->services.has_decided);
}

static void test_what_it_notes_follows_what_it_can(void **state) {
    (void)state;
    the->means = GW_AUTH_BY_DATABASE;
    turn();
    static const struct {
        enum gw_auth_means means;
        int ready;
    } cases[] = {{GW_AUTH_BY_MEMORY, 1},
                 {GW_AUTH_TOO_LATE, 0},
                 {GW_AUTH_BY_DATABASE, 1},
                 {GW_AUTH_BY_NOTHING, 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        the->means = cases[i].means;
        turn();
        assert_int_equal(the->workers[0].workers_ready, cases[i].ready);
        assert_true(the->services.has_decided); // once is for good
    }
    the->means = GW_AUTH_BY_DATABASE;
    turn();
    the->services.is_draining = true;
    gw_readiness_note(&the->readiness);
    assert_int_equal(the->workers[0].workers_ready, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_it_listens_once_it_can_decide),
        TEST(test_without_a_database_it_listens_when_its_patience_is_over),
        TEST(test_it_is_patient_with_the_first_attempt_to_connect),
        TEST(test_its_patience_ends_whatever_hangs),
        TEST(test_it_is_patient_while_another_worker_can_decide),
        TEST(test_what_it_notes_follows_what_it_can),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
