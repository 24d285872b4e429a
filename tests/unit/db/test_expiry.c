// SPDX-License-Identifier: MIT
// Proves of db/sql/0017_expiry.sql: each end of a token that came by itself is in the audit once.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "db/migrate.h"
#include "tests/support/postgres.h"

static struct test_database database;

// Two tokens that have ended, one that was revoked before its end and one after it, one that ends
// tomorrow and one that never does.
static int create_tokens(void **state) {
    (void)state;
    test_database_open(&database);
    struct db_migrate_report report;
    assert_int_equal(db_migrate(database.url, &report), GW_OK);
    test_execute(
        database.url,
        "insert into skillreg.organisation (id, slug, name) values ('org1', 'acme', 'Acme');"
        "insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes, created_by,"
        " expires_at, revoked_at, revoked_by) select id, 'org1', id || '-name', 'sr_live_a1b2',"
        " sha256(id::bytea), 1, 'operator', ends, revoked,"
        " case when revoked is not null then 'operator' end from (values"
        " ('late', now() - interval '1 hour', null),"
        " ('early', now() - interval '2 hours', null),"
        " ('cut', now() - interval '3 hours', now() - interval '4 hours'),"
        " ('after', now() - interval '3 hours', now() - interval '2 hours'),"
        " ('tomorrow', now() + interval '1 day', null),"
        " ('never', null, null)) t(id, ends, revoked)");
    return 0;
}

static long note(int rows_max) {
    char sql[64];
    (void)snprintf(sql, sizeof(sql), "select skillreg.expiry_note(%d)", rows_max);
    return test_number(database.url, sql);
}

static void assert_noted(const char *wanted) {
    char ids[128];
    test_value(database.url,
               "select coalesce(string_agg(token_id, ' ' order by id), '')"
               " from skillreg.token_audit where action = 'expire'",
               ids, sizeof(ids));
    assert_string_equal(ids, wanted);
}

static void test_expiry_is_noted_once_in_the_order_of_the_ends(void **state) {
    (void)state;
    assert_int_equal(note(100), 3);
    assert_noted("after early late");
    assert_int_equal(note(100), 0);
    assert_noted("after early late");
    assert_int_equal(
        test_number(database.url,
                    "select count(*) from skillreg.token_audit a join skillreg.api_token t"
                    " on t.id = a.token_id and t.expires_at = a.ended_at and t.name = a.token_name"
                    " where a.action = 'expire' and a.actor_token_id is null"
                    " and a.actor_name = 'expiry' and a.at > t.expires_at"),
        3);
}

static void test_expiry_is_noted_a_bounded_number_at_once(void **state) {
    (void)state;
    assert_int_equal(note(2), 2);
    assert_int_equal(note(2), 1);
    assert_noted("after early late");
}

static void test_expiry_that_was_put_off_is_noted_when_it_comes(void **state) {
    (void)state;
    assert_int_equal(note(100), 3);
    test_execute(database.url, "update skillreg.api_token set expires_at = now() + interval '1 h'"
                               " where id = 'late'");
    assert_int_equal(note(100), 0);
    test_execute(database.url, "update skillreg.api_token set expires_at = now()"
                               " where id in ('late', 'tomorrow')");
    assert_int_equal(note(100), 2);
    assert_noted("after early late late tomorrow");
}

static void test_expiry_waits_for_nobody(void **state) {
    (void)state;
    PGconn *holder = PQconnectdb(database.url);
    PQclear(PQexec(holder, "begin; select from skillreg.api_token where id = 'early' for update"));
    assert_int_equal(note(100), 2);
    PQclear(PQexec(holder, "commit; begin; select skillreg.log_take_turn()"));
    assert_int_equal(note(100), 0);
    assert_noted("after late");
    PQclear(PQexec(holder, "commit"));
    PQfinish(holder);
    assert_int_equal(note(100), 1);
    assert_noted("after late early");
}

static void test_expiry_is_no_event_of_the_log(void **state) {
    (void)state;
    long before = test_number(database.url, "select max(seq) from skillreg.token_event");
    assert_int_equal(note(100), 3);
    assert_int_equal(test_number(database.url, "select max(seq) from skillreg.token_event"),
                     before);
}

static void test_expiry_keeps_last_used_updates_off_the_indexes(void **state) {
    (void)state;
    assert_int_equal(
        test_number(database.url,
                    "begin; update skillreg.api_token set last_used_at = now()"
                    " where id = 'tomorrow';"
                    "select pg_stat_get_xact_tuples_hot_updated('skillreg.api_token'::regclass)"),
        1);
}

static void test_expiry_reads_no_more_than_what_has_ended(void **state) {
    (void)state;
    test_execute(database.url,
                 "set session_replication_role = replica;"
                 "insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes,"
                 " created_by, expires_at, noted_end) select 't' || n, 'org1', 'x',"
                 " 'sr_live_a1b2', sha256(n::text::bytea), 1, 'operator', e, e"
                 " from generate_series(1, 5000) n, lateral (select"
                 " now() - n * interval '1 hour') s(e); analyze skillreg.api_token");
    assert_int_equal(
        test_number(database.url,
                    "begin; select skillreg.expiry_note(100);"
                    "select pg_stat_get_xact_tuples_returned('skillreg.api_token_ends'::regclass)"
                    " + pg_stat_get_xact_tuples_returned('skillreg.api_token'::regclass)"),
        3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, create_tokens)
        TEST(test_expiry_is_noted_once_in_the_order_of_the_ends),
        TEST(test_expiry_is_noted_a_bounded_number_at_once),
        TEST(test_expiry_that_was_put_off_is_noted_when_it_comes),
        TEST(test_expiry_waits_for_nobody),
        TEST(test_expiry_is_no_event_of_the_log),
        TEST(test_expiry_keeps_last_used_updates_off_the_indexes),
        TEST(test_expiry_reads_no_more_than_what_has_ended),
#undef TEST
    };
    (void)test_postgres_server();
    return cmocka_run_group_tests_name("expiry", tests, NULL, NULL);
}
