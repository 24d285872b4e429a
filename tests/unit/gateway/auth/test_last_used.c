// SPDX-License-Identifier: MIT
// Against a pool made here: the two functions of db/ that the code under test calls stand below,
// and the linker takes them in place of the library's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/last_used.h"
#include "gateway/auth/last_used.h"
#include "gateway/settings/metrics.h"

#define INTERVAL_MS 5
#define NEVER_MS ((uint64_t)3600 * 1000)
#define WATCHDOG_MS 60000

// ---- the pool ----

struct db_pool {
    uv_loop_t *loop;
    struct db_last_used_write *pending; // not answered yet
    enum gw_status refusal;             // of the call itself; GW_OK: it is taken
    int call_count;
    int cancel_count;
};

static void assert_sorted(const struct db_last_used_write *write) {
    for (int i = 1; i < write->count; i++) {
        struct gw_str a = write->ids[i - 1];
        struct gw_str b = write->ids[i];
        int order = memcmp(a.at, b.at, a.length < b.length ? a.length : b.length);
        assert_true(order < 0 || (order == 0 && a.length < b.length));
    }
}

enum gw_status db_last_used_write(struct db_pool *pool, struct db_last_used_write *write) {
    assert_null(pool->pending); // one statement at a time
    assert_in_range(write->count, 1, GW_LAST_USED_ROWS_MAX);
    assert_sorted(write);
    pool->call_count++;
    uv_stop(pool->loop);
    if (pool->refusal == GW_OK)
        pool->pending = write;
    return pool->refusal;
}

void db_pool_cancel(struct db_pool *pool, struct db_query *query) {
    pool->cancel_count++;
    if (pool->pending != NULL)
        assert_ptr_equal(&pool->pending->query, query);
    pool->pending = NULL;
}

static void answer(struct db_pool *pool, enum gw_status status) {
    struct db_last_used_write *write = pool->pending;
    if (write == NULL) {
        fail_msg("nothing is being written");
        return;
    }
    pool->pending = NULL;
    write->on_done(write, status, status == GW_OK ? (uint64_t)write->count : 0);
}

// ---- the fixture ----

struct fixture {
    uv_loop_t loop;
    uv_timer_t watchdog;
    struct db_pool pool;
    struct gw_metrics metrics;
    struct gw_last_used *last_used;
    struct gw_last_used_drain drain;
    int drained_count;
    enum gw_status drain_status;
};

static void on_watchdog(uv_timer_t *timer) {
    (void)timer;
    fail_msg("what was waited for did not happen");
}

static struct fixture *make(struct gw_last_used_options options) {
    struct fixture *fixture = test_calloc(1, sizeof(*fixture));
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    uv_timer_init(&fixture->loop, &fixture->watchdog);
    uv_timer_start(&fixture->watchdog, on_watchdog, WATCHDOG_MS, 0);
    fixture->pool.loop = &fixture->loop;
    assert_int_equal(gw_last_used_create(&fixture->loop, &fixture->pool, &fixture->metrics,
                                         &options, &fixture->last_used),
                     GW_OK);
    return fixture;
}

static int set_up(void **state) {
    *state = make((struct gw_last_used_options){.interval_ms = INTERVAL_MS});
    return 0;
}

static int set_up_without_interval(void **state) {
    *state = make((struct gw_last_used_options){.interval_ms = NEVER_MS});
    return 0;
}

static int set_up_in_one_period(void **state) {
    *state = make((struct gw_last_used_options){INTERVAL_MS, .resolution_ms = NEVER_MS});
    return 0;
}

static int set_up_with_short_periods(void **state) {
    *state = make((struct gw_last_used_options){INTERVAL_MS, .resolution_ms = INTERVAL_MS});
    return 0;
}

static int tear_down(void **state) {
    struct fixture *fixture = *state;
    gw_last_used_close(fixture->last_used, NULL);
    assert_int_equal(fixture->pool.cancel_count, 1);
    uv_close((uv_handle_t *)&fixture->watchdog, NULL);
    while (uv_run(&fixture->loop, UV_RUN_DEFAULT) != 0) // a stop of before may still stand
        continue;
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    test_free(fixture);
    return 0;
}

static void note(struct fixture *fixture, const char *id, int64_t used_ms) {
    (void)gw_last_used_note(fixture->last_used, gw_str_from(id), used_ms);
}

static void note_many(struct fixture *fixture, int count) {
    for (int i = 0; i < count; i++) {
        char id[16];
        snprintf(id, sizeof(id), "cl%d", i);
        note(fixture, id, i);
    }
}

static int64_t find(struct fixture *fixture, const char *id) {
    return gw_last_used_find(fixture->last_used, gw_str_from(id));
}

static void run_until_write(struct fixture *fixture) {
    int calls = fixture->pool.call_count;
    while (fixture->pool.call_count == calls)
        uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(fixture->pool.call_count, calls + 1);
}

static void on_intervals_passed(uv_timer_t *timer) {
    uv_timer_stop(timer);
}

// Several intervals; nothing may be written in them.
static void run_intervals(struct fixture *fixture) {
    int calls = fixture->pool.call_count;
    uv_timer_start(&fixture->watchdog, on_intervals_passed, (uint64_t)5 * INTERVAL_MS, 0);
    while (uv_is_active((uv_handle_t *)&fixture->watchdog))
        uv_run(&fixture->loop, UV_RUN_ONCE);
    uv_timer_start(&fixture->watchdog, on_watchdog, WATCHDOG_MS, 0);
    assert_int_equal(fixture->pool.call_count, calls);
}

// The rows of the statement under way; 0 when there is none.
static int count_pending(const struct fixture *fixture) {
    return fixture->pool.pending != NULL ? fixture->pool.pending->count : 0;
}

// Answers until nothing more is written; the rows.
static int write_all(struct fixture *fixture) {
    int written = 0;
    while (fixture->pool.pending != NULL) {
        written += count_pending(fixture);
        answer(&fixture->pool, GW_OK);
    }
    return written;
}

static void assert_written(struct fixture *fixture, int index, const char *id, int64_t used_ms) {
    const struct db_last_used_write *write = fixture->pool.pending;
    if (write == NULL || index >= write->count) {
        fail_msg("not written: %s", id);
        return;
    }
    assert_true(gw_str_equal(write->ids[index], gw_str_from(id)));
    assert_int_equal(write->used_ms[index], used_ms);
}

// ---- flushes ----

static void test_an_interval_writes_the_newest_use_of_each_token(void **state) {
    struct fixture *fixture = *state;
    note(fixture, "clb", 10);
    note(fixture, "cla", 30);
    note(fixture, "cla", 20);
    note(fixture, "clb", 40);
    assert_int_equal(fixture->pool.call_count, 0); // never on the request path
    run_until_write(fixture);
    assert_int_equal(count_pending(fixture), 2);
    assert_written(fixture, 0, "cla", 30);
    assert_written(fixture, 1, "clb", 40);
    answer(&fixture->pool, GW_OK);
    assert_int_equal(fixture->metrics.last_used_rows_written_total, 2);
    assert_int_equal(fixture->metrics.last_used_requests_total, 4);
    assert_int_equal(fixture->metrics.last_used_flush_failures_total, 0);
}

static void test_nothing_noted_is_nothing_written(void **state) {
    struct fixture *fixture = *state;
    run_intervals(fixture);
    note(fixture, "cla", 1);
    run_until_write(fixture);
    answer(&fixture->pool, GW_OK);
    run_intervals(fixture); // and not twice
}

static void test_uses_during_a_write_wait_for_the_next(void **state) {
    struct fixture *fixture = *state;
    note(fixture, "cla", 1);
    run_until_write(fixture);
    note(fixture, "cla", 2);
    run_intervals(fixture);
    assert_written(fixture, 0, "cla", 1);
    answer(&fixture->pool, GW_OK);
    run_until_write(fixture);
    assert_written(fixture, 0, "cla", 2);
    answer(&fixture->pool, GW_OK);
}

static void test_a_full_map_is_written_at_once_and_in_slices(void **state) {
    struct fixture *fixture = *state;
    note_many(fixture, GW_LAST_USED_ENTRIES_MAX - 1);
    assert_int_equal(fixture->pool.call_count, 0);
    note(fixture, "zz", 1);
    assert_int_equal(fixture->pool.call_count, 1);
    assert_int_equal(count_pending(fixture), GW_LAST_USED_ROWS_MAX);
    // A slow database: three times as many uses come meanwhile. Those of tokens that wait for their
    // slice leave with it, the others in slices of their own.
    note_many(fixture, 3 * GW_LAST_USED_ENTRIES_MAX - 1);
    assert_int_equal(write_all(fixture), GW_LAST_USED_ENTRIES_MAX);
    int calls = fixture->pool.call_count;
    assert_int_equal(calls, GW_LAST_USED_ENTRIES_MAX / GW_LAST_USED_ROWS_MAX);
    note(fixture, "zz", 2);
    assert_int_equal(fixture->pool.call_count, calls + 1);
    int rows = 2 * GW_LAST_USED_ENTRIES_MAX + GW_LAST_USED_ROWS_MAX;
    assert_in_range(write_all(fixture), rows, rows + 1); // one more if "zz" was late
    assert_int_equal(fixture->metrics.last_used_requests_total, 4 * GW_LAST_USED_ENTRIES_MAX);
}

// ---- outages ----

static void test_what_fails_is_kept_and_written_later_with_what_came_since(void **state) {
    struct fixture *fixture = *state;
    note(fixture, "cla", 5);
    note(fixture, "clb", 6);
    run_until_write(fixture);
    note(fixture, "clb", 9);
    note(fixture, "clc", 7);
    answer(&fixture->pool, GW_UNAVAILABLE);
    assert_int_equal(fixture->metrics.last_used_flush_failures_total, 1);
    assert_int_equal(fixture->metrics.last_used_rows_written_total, 0);
    run_until_write(fixture);
    assert_int_equal(count_pending(fixture), 3);
    assert_written(fixture, 0, "cla", 5);
    assert_written(fixture, 1, "clb", 9);
    assert_written(fixture, 2, "clc", 7);
    answer(&fixture->pool, GW_OK);
    assert_int_equal(fixture->metrics.last_used_requests_total, 4);
}

static void test_a_store_that_takes_nothing_is_asked_again(void **state) {
    struct fixture *fixture = *state;
    fixture->pool.refusal = GW_UNAVAILABLE;
    note(fixture, "cla", 5);
    run_until_write(fixture);
    run_until_write(fixture);
    assert_int_equal(fixture->metrics.last_used_flush_failures_total, 2);
    assert_int_equal(find(fixture, "cla"), 5);
    fixture->pool.refusal = GW_OK;
    run_until_write(fixture);
    assert_written(fixture, 0, "cla", 5);
    answer(&fixture->pool, GW_OK);
}

static void forget_pending(struct fixture *fixture, bool *is_left) {
    for (int i = 0; i < count_pending(fixture); i++) {
        unsigned long number = strtoul(fixture->pool.pending->ids[i].at + 2, NULL, 10);
        assert_true(is_left[number]);
        is_left[number] = false;
    }
}

static void test_only_the_slices_not_written_are_kept(void **state) {
    struct fixture *fixture = *state;
    static bool is_left[2 * GW_LAST_USED_ROWS_MAX];
    memset(is_left, true, sizeof(is_left));
    note(fixture, "cl0", 1);
    fixture->pool.refusal = GW_UNAVAILABLE;
    run_until_write(fixture);
    note_many(fixture, 2 * GW_LAST_USED_ROWS_MAX);
    fixture->pool.refusal = GW_OK;
    run_until_write(fixture);
    forget_pending(fixture, is_left);
    answer(&fixture->pool, GW_OK);
    assert_int_equal(count_pending(fixture), GW_LAST_USED_ROWS_MAX);
    answer(&fixture->pool, GW_UNAVAILABLE);
    run_until_write(fixture);
    assert_int_equal(count_pending(fixture), GW_LAST_USED_ROWS_MAX);
    forget_pending(fixture, is_left);
    answer(&fixture->pool, GW_OK);
    assert_null(fixture->pool.pending);
    assert_int_equal(fixture->metrics.last_used_rows_written_total, 2 * GW_LAST_USED_ROWS_MAX);
    assert_int_equal(fixture->metrics.last_used_requests_total, 2 * GW_LAST_USED_ROWS_MAX + 1);
}

static void test_what_is_kept_in_an_outage_is_bounded(void **state) {
    struct fixture *fixture = *state;
    fixture->pool.refusal = GW_UNAVAILABLE;
    note(fixture, "zz", 1);
    run_until_write(fixture);
    note_many(fixture, GW_LAST_USED_KEPT_MAX + 9);
    assert_int_equal(fixture->pool.call_count, 1); // no storm of tries
    assert_int_equal(fixture->metrics.last_used_dropped_total, 10);
    note(fixture, "zz", 2); // known ones are still noted
    assert_int_equal(find(fixture, "zz"), 2);
    assert_int_equal(fixture->metrics.last_used_dropped_total, 10);
}

// ---- finding ----

static void test_the_newest_use_is_found_until_it_is_written(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(find(fixture, "cla"), DB_NO_TIME);
    note(fixture, "cla", 5);
    note(fixture, "clb", 6);
    assert_int_equal(find(fixture, "cla"), 5);
    run_until_write(fixture);
    assert_int_equal(find(fixture, "cla"), 5); // on its way
    assert_int_equal(find(fixture, "clb"), 6);
    assert_int_equal(find(fixture, "clc"), DB_NO_TIME);
    assert_int_equal(find(fixture, ""), DB_NO_TIME);
    assert_int_equal(find(fixture, "much longer than any identifier of a token is"), DB_NO_TIME);
    note(fixture, "cla", 8);
    assert_int_equal(find(fixture, "cla"), 8);
    answer(&fixture->pool, GW_OK);
    assert_int_equal(find(fixture, "clb"), DB_NO_TIME);
    assert_int_equal(find(fixture, "cla"), 8);
}

static void test_noting_a_use_tells_the_one_before(void **state) {
    struct fixture *fixture = *state;
    assert_int_equal(gw_last_used_note(fixture->last_used, GW_STR("cla"), 5), DB_NO_TIME);
    assert_int_equal(gw_last_used_note(fixture->last_used, GW_STR("cla"), 6), 5);
    run_until_write(fixture);
    assert_int_equal(gw_last_used_note(fixture->last_used, GW_STR("cla"), 7), 6);
    answer(&fixture->pool, GW_OK);
    assert_int_equal(gw_last_used_note(fixture->last_used, GW_STR("cla"), 8), 7);
    assert_int_equal(gw_last_used_note(fixture->last_used, GW_STR("clb"), 9), DB_NO_TIME);
}

static void test_the_use_before_is_told_in_its_period_though_it_is_written(void **state) {
    struct fixture *fixture = *state;
    note(fixture, "cla", 5);
    run_until_write(fixture);
    answer(&fixture->pool, GW_OK);
    assert_int_equal(find(fixture, "cla"), DB_NO_TIME);
    assert_int_equal(gw_last_used_note(fixture->last_used, GW_STR("cla"), 6), 5);
}

// ---- the resolution ----

static void test_a_busy_token_is_written_once_a_period(void **state) {
    struct fixture *fixture = *state;
    note(fixture, "cla", 1);
    run_until_write(fixture);
    answer(&fixture->pool, GW_OK);
    note(fixture, "cla", 2);
    note(fixture, "cla", 3);
    run_intervals(fixture);
    assert_int_equal(find(fixture, "cla"), 3);
    note(fixture, "clb", 4); // another one is not held up, and does not take it along
    run_until_write(fixture);
    assert_int_equal(count_pending(fixture), 1);
    assert_written(fixture, 0, "clb", 4);
    answer(&fixture->pool, GW_OK);
    assert_int_equal(fixture->metrics.last_used_requests_total, 2);
}

static void test_what_waited_is_written_when_the_period_ends(void **state) {
    struct fixture *fixture = *state;
    for (int i = 1; i <= 3; i++) {
        note(fixture, "cla", 2 * i);
        run_until_write(fixture);
        assert_written(fixture, 0, "cla", 2 * i);
        answer(&fixture->pool, GW_OK);
    }
    assert_int_equal(fixture->metrics.last_used_rows_written_total, 3);
}

static void test_a_use_that_was_not_written_does_not_make_a_token_wait(void **state) {
    struct fixture *fixture = *state;
    note(fixture, "cla", 1);
    run_until_write(fixture);
    answer(&fixture->pool, GW_UNAVAILABLE);
    note(fixture, "cla", 2);
    run_until_write(fixture);
    assert_written(fixture, 0, "cla", 2);
    answer(&fixture->pool, GW_OK);
}

static void test_a_failed_slice_takes_along_what_came_since(void **state) {
    struct fixture *fixture = *state;
    note(fixture, "cla", 1);
    run_until_write(fixture);
    note(fixture, "cla", 2); // waits for the next period
    answer(&fixture->pool, GW_UNAVAILABLE);
    assert_int_equal(find(fixture, "cla"), 2);
    run_until_write(fixture);
    assert_int_equal(count_pending(fixture), 1);
    assert_written(fixture, 0, "cla", 2);
    answer(&fixture->pool, GW_OK);
    assert_int_equal(fixture->metrics.last_used_requests_total, 2);
}

// The period ends while the write that marked the token is on its way, which then fails.
static void test_a_slice_that_fails_in_the_next_period_is_noted_once(void **state) {
    struct fixture *fixture = *state;
    note(fixture, "cla", 1);
    run_until_write(fixture);
    note(fixture, "cla", 2);
    run_intervals(fixture);
    assert_int_equal(find(fixture, "cla"), 2);
    answer(&fixture->pool, GW_UNAVAILABLE);
    run_until_write(fixture);
    assert_int_equal(count_pending(fixture), 1);
    assert_written(fixture, 0, "cla", 2);
    answer(&fixture->pool, GW_OK);
    run_intervals(fixture);
    assert_int_equal(fixture->metrics.last_used_requests_total, 2);
}

// ---- the end ----

static void on_drained(struct gw_last_used_drain *drain, enum gw_status status) {
    struct fixture *fixture = gw_container_of(drain, struct fixture, drain);
    fixture->drained_count++;
    fixture->drain_status = status;
    uv_stop(&fixture->loop);
}

static void start_drain(struct fixture *fixture, uint64_t timeout_ms) {
    fixture->drain.on_drained = on_drained;
    gw_last_used_drain(fixture->last_used, timeout_ms, &fixture->drain);
    assert_int_equal(fixture->drained_count, 0); // not from inside the call
}

static void assert_drained(const struct fixture *fixture, enum gw_status status) {
    assert_int_equal(fixture->drained_count, 1);
    assert_int_equal(fixture->drain_status, status);
}

static void test_an_empty_drain_ends_at_once(void **state) {
    struct fixture *fixture = *state;
    start_drain(fixture, NEVER_MS);
    while (fixture->drained_count == 0)
        uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_drained(fixture, GW_OK);
}

static void test_a_drain_writes_what_is_noted_without_waiting_for_the_interval(void **state) {
    struct fixture *fixture = *state;
    note(fixture, "cla", 5);
    start_drain(fixture, NEVER_MS);
    assert_written(fixture, 0, "cla", 5);
    answer(&fixture->pool, GW_OK);
    assert_drained(fixture, GW_OK);
}

static void test_a_drain_waits_for_the_write_under_way_and_what_came_since(void **state) {
    struct fixture *fixture = *state;
    note_many(fixture, GW_LAST_USED_ENTRIES_MAX);
    assert_non_null(fixture->pool.pending);
    note(fixture, "cla", 5);
    start_drain(fixture, NEVER_MS);
    while (count_pending(fixture) == GW_LAST_USED_ROWS_MAX)
        answer(&fixture->pool, GW_OK);
    assert_int_equal(fixture->drained_count, 0);
    assert_written(fixture, 0, "cla", 5);
    answer(&fixture->pool, GW_OK);
    assert_drained(fixture, GW_OK);
}

static void test_a_drain_goes_on_after_a_failure(void **state) {
    struct fixture *fixture = *state;
    note(fixture, "cla", 5);
    start_drain(fixture, NEVER_MS);
    answer(&fixture->pool, GW_UNAVAILABLE);
    assert_int_equal(fixture->drained_count, 0);
    run_until_write(fixture);
    answer(&fixture->pool, GW_OK);
    assert_drained(fixture, GW_OK);
}

static void test_a_drain_ends_when_its_time_is_up(void **state) {
    struct fixture *fixture = *state;
    note(fixture, "cla", 5);
    start_drain(fixture, 1);
    while (fixture->drained_count == 0)
        uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_drained(fixture, GW_UNAVAILABLE);
    answer(&fixture->pool, GW_OK); // too late to be told of
    assert_drained(fixture, GW_UNAVAILABLE);
}

static void test_a_drain_does_not_wait_for_the_period(void **state) {
    struct fixture *fixture = *state;
    note(fixture, "cla", 1);
    run_until_write(fixture);
    answer(&fixture->pool, GW_OK);
    note(fixture, "cla", 2);
    start_drain(fixture, NEVER_MS);
    assert_written(fixture, 0, "cla", 2);
    note(fixture, "cla", 3); // the last requests end while it drains
    answer(&fixture->pool, GW_OK);
    assert_int_equal(fixture->drained_count, 0);
    assert_written(fixture, 0, "cla", 3);
    answer(&fixture->pool, GW_OK);
    assert_drained(fixture, GW_OK);
}

static void test_the_uses_of_many_tokens_wait_for_the_period(void **state) {
    struct fixture *fixture = *state;
    const int count = 3 * GW_LAST_USED_ENTRIES_MAX;
    note_many(fixture, count);
    (void)write_all(fixture);
    run_until_write(fixture);
    (void)write_all(fixture);
    note_many(fixture, count);
    note_many(fixture, count);
    assert_null(fixture->pool.pending);
    start_drain(fixture, NEVER_MS);
    assert_int_equal(count_pending(fixture), GW_LAST_USED_ROWS_MAX);
    (void)write_all(fixture);
    assert_int_equal(fixture->metrics.last_used_requests_total, 3 * count);
    assert_int_equal(fixture->metrics.last_used_rows_written_total, 2 * count);
    assert_int_equal(fixture->metrics.last_used_dropped_total, 0);
}

// Nothing of the period is due, so no statement separates the steps that look through its tokens.
static void test_a_period_of_many_tokens_ends_in_steps(void **state) {
    struct fixture *fixture = *state;
    int turns = 0;
    note_many(fixture, 8 * GW_LAST_USED_ENTRIES_MAX);
    while (fixture->metrics.last_used_rows_written_total < 8 * GW_LAST_USED_ENTRIES_MAX) {
        if (fixture->pool.pending == NULL)
            run_until_write(fixture);
        answer(&fixture->pool, GW_OK);
    }
    start_drain(fixture, NEVER_MS);
    for (; fixture->drained_count == 0; turns++)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    assert_drained(fixture, GW_OK);
    assert_in_range(turns, 3, 1000);
}

static void test_closing_with_a_write_under_way_cancels_it(void **state) {
    struct fixture *fixture = *state;
    note(fixture, "cla", 5);
    run_until_write(fixture);
    note(fixture, "clb", 6);
    // The rest is in tear_down: one cancel, no callback, nothing leaked.
}

static void test_the_interval_does_not_keep_the_loop_alive(void **state) {
    struct fixture *fixture = *state;
    note(fixture, "cla", 5);
    uv_timer_stop(&fixture->watchdog);
    assert_int_equal(uv_run(&fixture->loop, UV_RUN_DEFAULT), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_WITHOUT_INTERVAL(name)                                                                \
    cmocka_unit_test_setup_teardown(name, set_up_without_interval, tear_down)

#define TEST_IN_ONE_PERIOD(name)                                                                   \
    cmocka_unit_test_setup_teardown(name, set_up_in_one_period, tear_down)
#define TEST_WITH_SHORT_PERIODS(name)                                                              \
    cmocka_unit_test_setup_teardown(name, set_up_with_short_periods, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_an_interval_writes_the_newest_use_of_each_token),
        TEST(test_nothing_noted_is_nothing_written),
        TEST(test_uses_during_a_write_wait_for_the_next),
        TEST_WITHOUT_INTERVAL(test_a_full_map_is_written_at_once_and_in_slices),
        TEST(test_what_fails_is_kept_and_written_later_with_what_came_since),
        TEST(test_a_store_that_takes_nothing_is_asked_again),
        TEST(test_only_the_slices_not_written_are_kept),
        TEST(test_what_is_kept_in_an_outage_is_bounded),
        TEST(test_the_newest_use_is_found_until_it_is_written),
        TEST(test_noting_a_use_tells_the_one_before),
        TEST_IN_ONE_PERIOD(test_the_use_before_is_told_in_its_period_though_it_is_written),
        TEST_IN_ONE_PERIOD(test_a_busy_token_is_written_once_a_period),
        TEST_IN_ONE_PERIOD(test_a_use_that_was_not_written_does_not_make_a_token_wait),
        TEST_IN_ONE_PERIOD(test_a_failed_slice_takes_along_what_came_since),
        TEST_WITH_SHORT_PERIODS(test_a_slice_that_fails_in_the_next_period_is_noted_once),
        TEST_IN_ONE_PERIOD(test_the_uses_of_many_tokens_wait_for_the_period),
        TEST_IN_ONE_PERIOD(test_a_period_of_many_tokens_ends_in_steps),
        TEST_WITH_SHORT_PERIODS(test_what_waited_is_written_when_the_period_ends),
        TEST_IN_ONE_PERIOD(test_a_drain_does_not_wait_for_the_period),
        TEST_WITHOUT_INTERVAL(test_an_empty_drain_ends_at_once),
        TEST_WITHOUT_INTERVAL(test_a_drain_writes_what_is_noted_without_waiting_for_the_interval),
        TEST_WITHOUT_INTERVAL(test_a_drain_waits_for_the_write_under_way_and_what_came_since),
        TEST(test_a_drain_goes_on_after_a_failure),
        TEST_WITHOUT_INTERVAL(test_a_drain_ends_when_its_time_is_up),
        TEST(test_closing_with_a_write_under_way_cancels_it),
        TEST_WITHOUT_INTERVAL(test_the_interval_does_not_keep_the_loop_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
