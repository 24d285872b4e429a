// SPDX-License-Identifier: MIT
// Proves of db/sql/0012_chain.sql, 0021_long_chains.sql and 0023_bounded_chains.sql: from any token
// of a chain all of it is found, and nothing else; its successors come in their order, however many
// they are; it grows no longer than one revocation can end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "db/migrate.h"
#include "tests/support/postgres.h"

static struct test_database database;

// Three tokens, each the successor of the one before, one that was replaced by the third because
// its answer got lost, and one of no chain.
static int create_chain(void **state) {
    (void)state;
    test_database_open(&database);
    struct db_migrate_report report;
    assert_int_equal(db_migrate(database.url, &report), GW_OK);
    test_execute(
        database.url,
        "insert into skillreg.organisation (id, slug, name) values ('org1', 'acme', 'Acme');"
        "insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes, created_by,"
        " replaces, replaced_by) select id, 'org1', id, 'sr_live_a1b2', sha256(id::bytea), 1,"
        " 'operator', replaces, replaced_by from (values ('first', null, 'second'),"
        " ('second', 'first', 'third'), ('lost', 'second', null), ('third', 'second', null),"
        " ('alone', null, null)) t(id, replaces, replaced_by)");
    return 0;
}

static void assert_chain(const char *id, const char *wanted) {
    char sql[128];
    char chain[128];
    (void)snprintf(sql, sizeof(sql), "select array_to_string(skillreg.chain_of('%s'), ' ')", id);
    test_value(database.url, sql, chain, sizeof(chain));
    assert_string_equal(chain, wanted);
}

static void test_chain_is_found_from_each_of_its_tokens(void **state) {
    (void)state;
    assert_chain("first", "second third");
    assert_chain("second", "first third");
    assert_chain("third", "first second");
    assert_chain("lost", "first second third");
}

static void test_chain_of_a_token_that_was_never_rotated_is_empty(void **state) {
    (void)state;
    assert_chain("alone", "");
    assert_chain("nobody", "");
}

static void test_chain_names_revoked_tokens_and_no_row_that_is_gone(void **state) {
    (void)state;
    test_execute(database.url, "update skillreg.api_token set revoked_at = now(),"
                               " revoked_by = 'operator' where id = 'second';"
                               "delete from skillreg.api_token where id = 'third'");
    assert_chain("first", "second");
}

static void test_chain_that_somebody_closed_to_a_circle_ends(void **state) {
    (void)state;
    test_execute(database.url, "update skillreg.api_token set replaced_by = 'first'"
                               " where id = 'third'");
    assert_chain("third", "first second");
}

static void assert_successors(const char *id, const char *wanted) {
    char sql[128];
    char successors[128];
    (void)snprintf(sql, sizeof(sql), "select array_to_string(skillreg.successors_of('%s'), ' ')",
                   id);
    test_value(database.url, sql, successors, sizeof(successors));
    assert_string_equal(successors, wanted);
}

static void test_successors_come_in_their_order_and_each_once(void **state) {
    (void)state;
    assert_successors("first", "second third");
    assert_successors("lost", "");
    assert_successors("nobody", "");
    test_execute(database.url, "update skillreg.api_token set replaced_by = 'second'"
                               " where id = 'third'");
    assert_successors("first", "second third");
    assert_successors("second", "third second");
    test_execute(database.url, "update skillreg.api_token set replaced_by = 'alone'"
                               " where id = 'alone'");
    assert_successors("alone", "alone");
}

// The statements of a gateway have four seconds.
static void test_first_token_of_a_long_chain_is_revoked_in_time(void **state) {
    (void)state;
    test_execute(database.url,
                 "insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes,"
                 " created_by, replaced_by) select 't' || i, 'org1', 'ci', 'sr_live_a1b2',"
                 " sha256(i::text::bytea), 1, 'operator', 't' || i + 1"
                 " from generate_series(1, 8000) i");
    test_execute(database.url, "set statement_timeout = '4s';"
                               "select from skillreg.token_revoke('org1', 't1', 'operator', null,"
                               " null, true)");
}

static void assert_too_often(const char *id, const char *wanted) {
    char sql[128];
    char value[8];
    (void)snprintf(sql, sizeof(sql), "select skillreg.is_rotated_too_often('%s')", id);
    test_value(database.url, sql, value, sizeof(value));
    assert_string_equal(value, wanted);
}

static void make_long_chain(int count) {
    char sql[512];
    (void)snprintf(sql, sizeof(sql),
                   "insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes,"
                   " created_by, replaces, replaced_by) select 't' || i, 'org1', 'ci',"
                   " 'sr_live_a1b2', sha256(i::text::bytea), 1, 'operator', 't' || i - 1,"
                   " 't' || i + 1 from generate_series(1, %d) i",
                   count);
    test_execute(database.url, sql);
}

static void test_a_token_of_two_thousand_live_ones_rotates_itself_no_further(void **state) {
    (void)state;
    make_long_chain(2001);
    assert_too_often("nobody", "f");
    assert_too_often("t2000", "f");
    assert_too_often("t2001", "t");
    test_execute(database.url, "update skillreg.api_token set expires_at = now() where id = 't1'");
    assert_too_often("t2001", "f");
}

static void test_nor_does_one_of_ten_thousand_rotations_within_the_longest_overlap(void **state) {
    (void)state;
    make_long_chain(10001);
    test_execute(database.url, "update skillreg.api_token set expires_at = created_at");
    assert_too_often("t10000", "f");
    assert_too_often("t10001", "t");
    test_execute(database.url, "update skillreg.api_token"
                               " set created_at = now() - interval '31 days' where id = 't1'");
    assert_too_often("t10001", "f");
}

static void test_the_longest_chain_is_revoked_whole_in_time(void **state) {
    (void)state;
    make_long_chain(10001);
    test_execute(database.url, "update skillreg.api_token set expires_at = created_at"
                               " where id ~ '^t[0-9]*[1-46-9]$'");
    test_execute(database.url, "set statement_timeout = '4s';"
                               "select from skillreg.token_revoke('org1', 't5000', 'operator',"
                               " null, 'chain', true)");
    char left[8];
    test_value(database.url,
               "select count(*) from skillreg.api_token where id ~ '^t[0-9]'"
               " and revoked_at is null and expires_at is null",
               left, sizeof(left));
    assert_string_equal(left, "0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, create_chain)
        TEST(test_chain_is_found_from_each_of_its_tokens),
        TEST(test_chain_of_a_token_that_was_never_rotated_is_empty),
        TEST(test_chain_names_revoked_tokens_and_no_row_that_is_gone),
        TEST(test_chain_that_somebody_closed_to_a_circle_ends),
        TEST(test_successors_come_in_their_order_and_each_once),
        TEST(test_first_token_of_a_long_chain_is_revoked_in_time),
        TEST(test_a_token_of_two_thousand_live_ones_rotates_itself_no_further),
        TEST(test_nor_does_one_of_ten_thousand_rotations_within_the_longest_overlap),
        TEST(test_the_longest_chain_is_revoked_whole_in_time),
#undef TEST
    };
    (void)test_postgres_server();
    return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
