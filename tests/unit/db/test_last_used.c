// SPDX-License-Identifier: MIT
// Proves of db/last_used.c, on a real PostgreSQL: times move forward only, up to the clock of the
// database; what is cancelled has no callback.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/last_used.h"
#include "tests/support/postgres.h"

static struct test_store fixture;

static int open_store(void **state) {
    (void)state;
    test_store_open(&fixture);
    return 0;
}

static int close_store(void **state) {
    (void)state;
    test_store_close(&fixture);
    return 0;
}

static void insert_tokens(const char *org_id, int count) {
    char sql[768];
    (void)snprintf(sql, sizeof(sql),
                   "insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes,"
                   " created_by, created_at) select '%s' || i, '%s', 'name ' || i, 'sr_live_a1b2',"
                   " sha256(('%s' || i)::bytea), 1, 'operator', to_timestamp(1700000000 + i)"
                   " from generate_series(1, %d) i",
                   org_id, org_id, org_id, count);
    test_execute(fixture.database.url, sql);
}

struct writing {
    struct db_last_used_write write;
    bool is_done;
    enum gw_status status;
    uint64_t rows;
};

static void on_written(struct db_last_used_write *write, enum gw_status status, uint64_t rows) {
    struct writing *writing = gw_container_of(write, struct writing, write);
    writing->is_done = true;
    writing->status = status;
    writing->rows = rows;
}

static uint64_t run_writing(const struct gw_str *ids, const int64_t *used_ms, int count) {
    struct writing writing = {
        .write = {.ids = ids, .used_ms = used_ms, .count = count, .on_done = on_written}};
    assert_int_equal(db_last_used_write(fixture.pool, &writing.write), GW_OK);
    test_run_until(&fixture.loop, &writing.is_done);
    assert_int_equal(writing.status, GW_OK);
    return writing.rows;
}

static long last_used_of(const char *id) {
    char sql[160];
    (void)snprintf(sql, sizeof(sql),
                   "select (extract(epoch from last_used_at) * 1000)::int8 from skillreg.api_token"
                   " where id = '%s'",
                   id);
    return test_number(fixture.database.url, sql);
}

static void test_last_used_moves_forward_only(void **state) {
    (void)state;
    insert_tokens("org1", 3);
    const struct gw_str ids[] = {GW_STR_INIT("org11"), GW_STR_INIT("org12")};
    assert_int_equal(run_writing(ids, (int64_t[]){1750000000123, 1750000000456}, 2), 2);
    assert_int_equal(last_used_of("org11"), 1750000000123);
    assert_int_equal(last_used_of("org12"), 1750000000456);
    assert_int_equal(run_writing(ids, (int64_t[]){1750000000122, 1750000000457}, 2), 1);
    assert_int_equal(last_used_of("org11"), 1750000000123);
    assert_int_equal(last_used_of("org12"), 1750000000457);
    assert_int_equal(run_writing(ids, (int64_t[]){1750000000123, 1750000000457}, 2), 0);
}

// Whoever looks into a leak wants to know about its last hour, too.
static void test_last_used_is_written_of_revoked_tokens_and_skips_unknown_ones(void **state) {
    (void)state;
    insert_tokens("org1", 2);
    test_execute(fixture.database.url,
                 "select skillreg.token_revoke('org1', 'org11', 'operator', null, false)");
    const struct gw_str ids[] = {GW_STR_INIT("clnone"), GW_STR_INIT("org11"), GW_STR_INIT("org12")};
    assert_int_equal(run_writing(ids, (int64_t[]){1, 1750000000002, 1750000000003}, 3), 2);
    assert_int_equal(last_used_of("org11"), 1750000000002);
    assert_int_equal(last_used_of("org12"), 1750000000003);
    assert_int_equal(run_writing(ids, (int64_t[]){1, 1750000000001, 1}, 3), 0);
}

static long database_ms(void) {
    return test_number(fixture.database.url,
                       "select (extract(epoch from clock_timestamp()) * 1000)::int8");
}

// A gateway whose clock is an hour ahead: the use is noted, by the database's clock, and hides no
// later one.
static void test_last_used_is_not_later_than_the_clock_of_the_database(void **state) {
    (void)state;
    insert_tokens("org1", 1);
    const struct gw_str id = GW_STR("org11");
    long before_ms = database_ms();
    assert_int_equal(run_writing(&id, (int64_t[]){before_ms + 3600000}, 1), 1);
    long first_ms = last_used_of("org11");
    assert_in_range(first_ms, before_ms, database_ms());
    (void)usleep(2000);
    long second_ms = database_ms();
    assert_true(second_ms > first_ms);
    assert_int_equal(run_writing(&id, (int64_t[]){second_ms}, 1), 1);
    assert_int_equal(last_used_of("org11"), second_ms);
    // Clocks that differ by a second are good ones.
    assert_int_equal(run_writing(&id, (int64_t[]){second_ms + 1000}, 1), 1);
    assert_int_equal(last_used_of("org11"), second_ms + 1000);
}

static void test_last_used_of_the_future_gives_way_to_the_next_use(void **state) {
    (void)state;
    insert_tokens("org1", 1);
    const struct gw_str id = GW_STR("org11");
    test_execute(fixture.database.url,
                 "update skillreg.api_token set last_used_at = now() + interval '1 hour'");
    assert_int_equal(run_writing(&id, (int64_t[]){1750000000001}, 1), 1);
    assert_int_equal(last_used_of("org11"), 1750000000001);
}

static void test_last_used_write_that_is_cancelled_frees_what_it_holds(void **state) {
    (void)state;
    const struct gw_str id = GW_STR("org11");
    struct writing writing = {
        .write = {.ids = &id, .used_ms = (int64_t[]){1}, .count = 1, .on_done = on_written}};
    assert_int_equal(db_last_used_write(fixture.pool, &writing.write), GW_OK);
    db_pool_cancel(fixture.pool, &writing.write.query);
    db_pool_cancel(fixture.pool, &writing.write.query); // harmless
    const struct gw_str other = GW_STR("org12");
    (void)run_writing(&other, (int64_t[]){1}, 1); // its answer comes after that of the first would
    assert_false(writing.is_done);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)
        TEST(test_last_used_moves_forward_only),
        TEST(test_last_used_is_written_of_revoked_tokens_and_skips_unknown_ones),
        TEST(test_last_used_is_not_later_than_the_clock_of_the_database),
        TEST(test_last_used_of_the_future_gives_way_to_the_next_use),
        TEST(test_last_used_write_that_is_cancelled_frees_what_it_holds),
#undef TEST
    };
    (void)test_postgres_server();
    return cmocka_run_group_tests_name("last_used", tests, NULL, NULL);
}
