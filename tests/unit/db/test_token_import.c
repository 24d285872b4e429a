// SPDX-License-Identifier: MIT
// Proves of db/token_import.c and skillreg.token_import, on a real PostgreSQL: what becomes of each
// row; that the log and the audit have what the triggers would have written; that an import of what
// is there takes no lock of the log; and that an insert by hand is still heard of row by row.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "db/migrate.h"
#include "db/token_import.h"
#include "tests/support/postgres.h"

static struct test_database database;
static struct db_session session;

static int open_schema(void **state) {
    (void)state;
    struct db_migrate_report report;
    test_database_open(&database);
    assert_int_equal(db_migrate(database.url, &report), GW_OK);
    test_execute(database.url,
                 "insert into skillreg.organisation (id, slug, name, deleted_at) values"
                 " ('org1', 'acme', 'Acme', null), ('org2', 'gone', 'Gone', now());"
                 "insert into skillreg.api_token"
                 " (id, org_id, name, prefix, digest, scopes, created_by) values"
                 " ('live', 'org1', 'n', 'sk_abcdefghi', decode(repeat('11', 32), 'hex'), 1,"
                 "  'operator'),"
                 " ('dead', 'org1', 'n', 'sk_abcdefghi', decode(repeat('22', 32), 'hex'), 1,"
                 "  'operator');"
                 "update skillreg.api_token set revoked_at = now(), revoked_by = 'operator'"
                 " where id = 'dead'");
    assert_int_equal(db_session_open(&session, database.url), GW_OK);
    return 0;
}

static int close_session(void **state) {
    (void)state;
    db_session_close(&session);
    return 0;
}

static const struct {
    const char *id;
    const char *org;
    const char *name;
    const char *byte; // the digest consists of it
    enum db_token_import_outcome outcome;
} given[] = {
    {"new1", "acme", "first", "33", DB_TOKEN_IMPORT_MADE},
    {"new2", "acme", "first", "33", DB_TOKEN_IMPORT_THERE},
    {"new3", "acme", "second", "33", DB_TOKEN_IMPORT_DIFFERS},
    {"new4", "acme", "n", "11", DB_TOKEN_IMPORT_THERE},
    {"new5", "acme", "other", "11", DB_TOKEN_IMPORT_DIFFERS},
    {"new6", "acme", "n", "22", DB_TOKEN_IMPORT_REVOKED},
    {"new7", "nobody", "n", "44", DB_TOKEN_IMPORT_NO_ORG},
    {"new8", "gone", "n", "55", DB_TOKEN_IMPORT_ORG_DELETED},
    {"live", "acme", "n", "66", DB_TOKEN_IMPORT_ID_TAKEN},
    {"new9", "acme", "last", "77", DB_TOKEN_IMPORT_MADE},
};
#define ROW_COUNT (sizeof(given) / sizeof(given[0]))

// The rows as JSON; their lines begin at 2. Static storage.
static struct gw_str rows(void) {
    static char text[8192];
    size_t used = 0;
    for (size_t i = 0; i < ROW_COUNT; i++) {
        char digest[65] = "";
        for (int byte = 0; byte < 32; byte++)
            memcpy(digest + 2 * byte, given[i].byte, 3);
        used += (size_t)snprintf(
            text + used, sizeof(text) - used,
            "%c{\"line\":%zu,\"id\":\"%s\",\"has_own_id\":false,\"org\":\"%s\",\"name\":\"%s\","
            "\"prefix\":\"sk_abcdefghi\",\"digest\":\"%s\",\"scopes\":1,\"binds_children\":false,"
            "\"rotates_itself\":false}",
            i == 0 ? '[' : ',', i + 2, given[i].id, given[i].org, given[i].name, digest);
    }
    text[used++] = ']';
    return gw_str(text, used);
}

static void import(void) {
    int count = 0;
    assert_int_equal(db_token_import(&session, rows(), &count), GW_OK);
    assert_int_equal(count, ROW_COUNT);
}

static void test_import_says_what_became_of_each_row(void **state) {
    (void)state;
    import();
    for (size_t i = 0; i < ROW_COUNT; i++) {
        uint64_t line;
        if (db_token_import_at(&session, (int)i, &line) != given[i].outcome)
            fail_msg("row %s %s has another outcome", given[i].id, given[i].name);
        assert_int_equal(line, i + 2);
    }
    assert_int_equal(test_number(database.url, "select count(*) from skillreg.api_token"), 4);
}

static void test_import_writes_what_the_triggers_would(void **state) {
    (void)state;
    char text[512];
    import();
    test_value(database.url,
               "select string_agg(concat_ws(' ', seq, kind, left(encode(digest, 'hex'), 2),"
               " token_id, org_id), ', ' order by token_id) from skillreg.token_event"
               " where token_id like 'new%' and seq in (4, 5)",
               text, sizeof(text));
    assert_non_null(strstr(text, "1 33 new1 org1"));
    assert_non_null(strstr(text, "1 77 new9 org1"));
    test_value(database.url,
               "select string_agg(concat_ws(' ', action, token_name, actor_name,"
               " coalesce(actor_token_id, '-')), ', ' order by token_name) from"
               " skillreg.token_audit where token_id like 'new%' and id in (4, 5)",
               text, sizeof(text));
    assert_string_equal(text, "import first operator -, import last operator -");
}

static void test_a_preview_changes_nothing(void **state) {
    (void)state;
    int count = 0;
    uint64_t line;
    assert_int_equal(db_token_import_preview(&session, rows(), &count), GW_OK);
    assert_int_equal(count, ROW_COUNT);
    assert_int_equal(db_token_import_at(&session, 0, &line), DB_TOKEN_IMPORT_NEW);
    assert_int_equal(db_token_import_at(&session, 5, &line), DB_TOKEN_IMPORT_REVOKED);
    assert_int_equal(test_number(database.url, "select count(*) from skillreg.api_token"), 2);
}

static void test_an_import_that_makes_nothing_takes_no_lock_of_the_log(void **state) {
    (void)state;
    import();
    long before = test_number(database.url, "select taken_in::text::int8 from skillreg.log_lock");
    import();
    assert_int_equal(
        test_number(database.url, "select taken_in::text::int8 from skillreg.log_lock"), before);
}

static void test_a_mark_of_another_transaction_keeps_no_insert_out_of_the_log(void **state) {
    (void)state;
    import();
    test_execute(database.url,
                 "set skillreg.logged_in = '1';"
                 "insert into skillreg.api_token"
                 " (id, org_id, name, prefix, digest, scopes, created_by)"
                 " values ('byhand', 'org1', 'n', 'sk_abcdefghi', sha256('x'), 1, 'operator')");
    assert_int_equal(test_number(database.url, "select count(*) from skillreg.token_event"
                                               " where token_id = 'byhand' and kind = 1"),
                     1);
    assert_int_equal(test_number(database.url, "select count(*) from skillreg.token_audit"
                                               " where token_id = 'byhand'"),
                     1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_schema, close_session)
        TEST(test_import_says_what_became_of_each_row),
        TEST(test_import_writes_what_the_triggers_would),
        TEST(test_a_preview_changes_nothing),
        TEST(test_an_import_that_makes_nothing_takes_no_lock_of_the_log),
        TEST(test_a_mark_of_another_transaction_keeps_no_insert_out_of_the_log),
#undef TEST
    };
    (void)test_postgres_server();
    return cmocka_run_group_tests_name("token_import", tests, NULL, NULL);
}
