// SPDX-License-Identifier: MIT
// Proves of db/issuer_keys.c and db/sql/0025_issuer_keys.sql, on a real PostgreSQL: one of all
// gateways gets the lease, no sooner than it may; only its keys are taken; a change of keys is an
// event and a row that stays.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "db/issuer_keys.h"
#include "tests/support/postgres.h"

#define ISSUER "https://token.test"
#define KEYS "{\"keys\":[{\"kid\":\"1\"}]}"
#define OTHER_KEYS "{\"keys\":[{\"kid\":\"2\"}]}"

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

// ---- calls ----

struct looking {
    struct db_issuer_keys_look look;
    bool is_done;
    enum gw_status status;
    int count;
    uint64_t version;
    int64_t age_ms, taken_ms;
    bool is_ours;
    char keys[256]; // empty: none
};

static void on_looked(struct db_issuer_keys_look *look, enum gw_status status,
                      const struct db_issuer_keys_row *rows, int count) {
    struct looking *looking = gw_container_of(look, struct looking, look);
    looking->is_done = true;
    looking->status = status;
    looking->count = count;
    if (count == 0)
        return;
    assert_true(gw_str_equal(rows[0].issuer, GW_STR(ISSUER)));
    looking->version = rows[0].version;
    looking->age_ms = rows[0].age_ms;
    looking->taken_ms = rows[0].taken_ms;
    looking->is_ours = rows[0].is_ours;
    (void)snprintf(looking->keys, sizeof(looking->keys), "%.*s", GW_STR_ARG(rows[0].keys));
}

static struct looking look(const char *gateway, uint64_t version, bool is_asked) {
    const struct db_issuer_known known = {
        .issuer = GW_STR_INIT(ISSUER), .version = version, .is_asked = is_asked};
    struct looking looking = {
        .look = {
            .gateway_id = gw_str_from(gateway), .known = &known, .count = 1, .on_done = on_looked}};
    assert_int_equal(db_issuer_keys_look(fixture.pool, &looking.look), GW_OK);
    test_run_until(&fixture.loop, &looking.is_done);
    assert_int_equal(looking.status, GW_OK);
    assert_int_equal(looking.count, 1);
    return looking;
}

struct putting {
    struct db_issuer_keys_put put;
    bool is_done;
    enum gw_status status;
    enum db_issuer_keys_outcome outcome;
};

static void on_put(struct db_issuer_keys_put *put, enum gw_status status,
                   enum db_issuer_keys_outcome outcome) {
    struct putting *putting = gw_container_of(put, struct putting, put);
    putting->is_done = true;
    putting->status = status;
    putting->outcome = outcome;
}

static struct putting run_put(const char *gateway, struct gw_str keys, struct gw_str outcome) {
    struct putting putting = {.put = {.gateway_id = gw_str_from(gateway),
                                      .issuer = GW_STR_INIT(ISSUER),
                                      .keys = keys,
                                      .outcome = outcome,
                                      .on_done = on_put}};
    assert_int_equal(db_issuer_keys_put(fixture.pool, &putting.put), GW_OK);
    test_run_until(&fixture.loop, &putting.is_done);
    return putting;
}

static enum db_issuer_keys_outcome put(const char *gateway, const char *keys) {
    struct putting putting = run_put(gateway, gw_str_from(keys), gw_str(NULL, 0));
    assert_int_equal(putting.status, GW_OK);
    return putting.outcome;
}

static void pass(const char *time) {
    char sql[256];
    (void)snprintf(sql, sizeof(sql),
                   "update skillreg.issuer_keys set taken_at = taken_at - interval '%s',"
                   " fetched_at = fetched_at - interval '%s'",
                   time, time);
    test_execute(fixture.database.url, sql);
}

static long events(void) {
    return test_number(fixture.database.url,
                       "select count(*) from skillreg.token_event where kind = 5 and org_id = "
                       "'" ISSUER "' and digest is null and token_id is null");
}

// ---- the lease ----

static void test_the_first_that_looks_fetches(void **state) {
    (void)state;
    struct looking first = look("one", 0, false);
    assert_true(first.is_ours);
    assert_int_equal(first.version, 0);
    assert_int_equal(first.age_ms, -1);
    assert_in_range(first.taken_ms, 0, 10000);
    assert_string_equal(first.keys, "");
    assert_false(look("two", 0, false).is_ours);
    assert_false(look("two", 0, true).is_ours);
}

static void test_without_keys_it_is_tried_again_soon(void **state) {
    (void)state;
    assert_true(look("one", 0, false).is_ours);
    pass("14 seconds");
    assert_false(look("two", 0, true).is_ours);
    pass("2 seconds");
    assert_true(look("two", 0, false).is_ours);
}

static void test_with_keys_it_is_once_in_minutes(void **state) {
    (void)state;
    assert_true(look("one", 0, false).is_ours);
    assert_int_equal(put("one", KEYS), DB_ISSUER_KEYS_CHANGED);
    pass("4 minutes");
    assert_false(look("two", 0, false).is_ours);
    pass("61 seconds");
    assert_true(look("two", 0, false).is_ours);
    assert_int_equal(put("two", KEYS), DB_ISSUER_KEYS_SAME);
    assert_in_range(look("one", 1, false).age_ms, 0, 10000);
}

static void test_who_asks_has_it_once_a_minute_for_all(void **state) {
    (void)state;
    assert_true(look("one", 0, false).is_ours);
    assert_int_equal(put("one", KEYS), DB_ISSUER_KEYS_CHANGED);
    assert_false(look("two", 1, true).is_ours);
    pass("59 seconds");
    assert_false(look("two", 1, true).is_ours);
    pass("2 seconds");
    assert_false(look("two", 1, false).is_ours);
    assert_true(look("two", 1, true).is_ours);
    assert_false(look("one", 1, true).is_ours);
    // It does not answer: what is there stays, and the next minute is tried again.
    pass("61 seconds");
    assert_true(look("one", 1, true).is_ours);
}

static void test_only_the_last_that_took_the_lease_brings_keys(void **state) {
    (void)state;
    assert_true(look("one", 0, false).is_ours);
    pass("16 seconds");
    assert_true(look("two", 0, false).is_ours);
    assert_int_equal(put("one", KEYS), DB_ISSUER_KEYS_LOST);
    assert_int_equal(put("three", KEYS), DB_ISSUER_KEYS_LOST);
    assert_int_equal(events(), 0);
    assert_int_equal(put("two", KEYS), DB_ISSUER_KEYS_CHANGED);
}

// ---- the keys ----

static void test_keys_come_to_those_that_have_others(void **state) {
    (void)state;
    assert_true(look("one", 0, false).is_ours);
    assert_int_equal(put("one", KEYS), DB_ISSUER_KEYS_CHANGED);
    struct looking other = look("two", 0, false);
    assert_string_equal(other.keys, KEYS);
    assert_int_equal(other.version, 1);
    assert_string_equal(look("two", 1, false).keys, "");
    assert_int_equal(put("one", OTHER_KEYS), DB_ISSUER_KEYS_CHANGED);
    other = look("two", 1, false);
    assert_string_equal(other.keys, OTHER_KEYS);
    assert_int_equal(other.version, 2);
}

static void test_a_change_is_an_event_and_a_row_that_stays(void **state) {
    (void)state;
    assert_true(look("one", 0, false).is_ours);
    assert_int_equal(put("one", KEYS), DB_ISSUER_KEYS_CHANGED);
    assert_int_equal(put("one", KEYS), DB_ISSUER_KEYS_SAME);
    assert_int_equal(events(), 1);
    assert_int_equal(put("one", OTHER_KEYS), DB_ISSUER_KEYS_CHANGED);
    assert_int_equal(events(), 2);
    assert_int_equal(test_number(fixture.database.url,
                                 "select count(*) from skillreg.issuer_keys_change where issuer = "
                                 "'" ISSUER "' and gateway = 'one' and role = session_user"
                                 " and (version, keys) in ((1, '" KEYS "'), (2, '" OTHER_KEYS
                                 "'))"),
                     2);
    test_execute(fixture.database.url,
                 "update skillreg.issuer_keys_change set at = now() - interval '401 days'"
                 " where version = 1");
    assert_int_equal(put("one", KEYS), DB_ISSUER_KEYS_CHANGED);
    assert_int_equal(
        test_number(fixture.database.url, "select sum(version) from skillreg.issuer_keys_change"),
        5);
}

static void put_by_turns(int times) {
    for (int i = 0; i < times; i++) {
        pass("301 seconds");
        assert_true(look("one", 0, false).is_ours);
        assert_int_equal(put("one", i % 2 == 0 ? KEYS : OTHER_KEYS), DB_ISSUER_KEYS_CHANGED);
    }
}

static long changes(const char *condition) {
    char sql[256];
    (void)snprintf(sql, sizeof(sql), "select count(*) from skillreg.issuer_keys_change where %s",
                   condition);
    return test_number(fixture.database.url, sql);
}

static void test_keys_that_return_are_kept_once(void **state) {
    (void)state;
    put_by_turns(6);
    assert_int_equal(events(), 6);
    assert_int_equal(changes("true"), 6);
    assert_int_equal(changes("keys is not null and version in (1, 2)"), 2);
    assert_int_equal(changes("keys is null and same_as = 2 - version % 2"), 4);
}

static void test_a_text_stays_as_long_as_a_row_that_names_it(void **state) {
    (void)state;
    put_by_turns(3);
    test_execute(fixture.database.url,
                 "update skillreg.issuer_keys_change set at = now() - interval '401 days'"
                 " where version <= 2");
    assert_int_equal(put("one", OTHER_KEYS), DB_ISSUER_KEYS_CHANGED);
    assert_int_equal(changes("version = 1"), 1); // which the third names
    assert_int_equal(changes("version = 2"), 0);
    assert_int_equal(changes("version = 4 and keys is not null"), 1);
}

static void test_a_fetch_that_failed_changes_nothing_but_the_reason(void **state) {
    (void)state;
    assert_true(look("one", 0, false).is_ours);
    assert_int_equal(put("one", KEYS), DB_ISSUER_KEYS_CHANGED);
    pass("10 minutes");
    assert_true(look("two", 1, false).is_ours);
    struct putting failed = run_put("two", gw_str(NULL, 0), GW_STR("it answered 500"));
    assert_int_equal(failed.outcome, DB_ISSUER_KEYS_FAILED);
    struct looking other = look("one", 0, false);
    assert_string_equal(other.keys, KEYS);
    assert_true(other.age_ms >= 600000);
    assert_int_equal(events(), 1);
    char text[64];
    test_value(fixture.database.url, "select outcome from skillreg.issuer_keys", text,
               sizeof(text));
    assert_string_equal(text, "it answered 500");
    assert_int_equal(put("two", KEYS), DB_ISSUER_KEYS_SAME);
    assert_int_equal(test_number(fixture.database.url,
                                 "select count(*) from skillreg.issuer_keys where outcome is null"),
                     1);
}

static void test_the_database_takes_no_other_form(void **state) {
    (void)state;
    static const char *const texts[] = {"", "no JSON", "{}", "{\"keys\":{}}", "[]"};
    assert_true(look("one", 0, false).is_ours);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct putting refused = run_put("one", gw_str_from(texts[i]), gw_str(NULL, 0));
        assert_int_equal(refused.status, GW_INVALID);
    }
    assert_int_equal(events(), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(test) cmocka_unit_test_setup_teardown(test, open_store, close_store)
        TEST(test_the_first_that_looks_fetches),
        TEST(test_without_keys_it_is_tried_again_soon),
        TEST(test_with_keys_it_is_once_in_minutes),
        TEST(test_who_asks_has_it_once_a_minute_for_all),
        TEST(test_only_the_last_that_took_the_lease_brings_keys),
        TEST(test_keys_come_to_those_that_have_others),
        TEST(test_a_change_is_an_event_and_a_row_that_stays),
        TEST(test_keys_that_return_are_kept_once),
        TEST(test_a_text_stays_as_long_as_a_row_that_names_it),
        TEST(test_a_fetch_that_failed_changes_nothing_but_the_reason),
        TEST(test_the_database_takes_no_other_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
