// SPDX-License-Identifier: MIT
// Proves of db/migrate.c: applied once whoever runs it how often, all or nothing, and a schema that
// this program did not make is left alone.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "db/migrate.h"
#include "db/migration_files.h"
#include "tests/support/postgres.h"

static struct test_database database;

static int create_database(void **state) {
    (void)state;
    test_database_open(&database);
    return 0;
}

static void migrate(void) {
    struct db_migrate_report report;
    if (db_migrate(database.url, &report) != GW_OK)
        fail_msg("%s", report.error);
}

static void test_migrate_makes_the_schema(void **state) {
    (void)state;
    struct db_migrate_report report;
    assert_int_equal(db_migrate(database.url, &report), GW_OK);
    assert_int_equal(report.version_before, 0);
    assert_int_equal(report.version_after, db_migration_files[db_migration_file_count - 1].number);
    assert_string_equal(report.error, "");
    assert_int_equal(test_number(database.url, "select count(*) from skillreg.api_token"), 0);
}

static void test_migrate_again_changes_nothing(void **state) {
    (void)state;
    migrate();
    char before[512];
    char after[512];
    const char *all = "select string_agg(m::text, ';' order by number) from skillreg.migration m";
    test_value(database.url, all, before, sizeof(before));
    struct db_migrate_report report;
    assert_int_equal(db_migrate(database.url, &report), GW_OK);
    assert_int_equal(report.version_before, report.version_after);
    test_value(database.url, all, after, sizeof(after));
    assert_string_equal(before, after);
}

// 0 when the migration of this process succeeded.
static int migrate_in_child(void) {
    struct db_migrate_report report;
    return db_migrate(database.url, &report) == GW_OK ? 0 : 1;
}

static void test_migrate_ten_at_once_all_succeed_and_apply_once(void **state) {
    (void)state;
    enum { CHILDREN = 10 };
    pid_t children[CHILDREN];
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            _exit(migrate_in_child());
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(test_number(database.url, "select count(*) from skillreg.migration"),
                     db_migration_file_count);
}

static void test_migrate_refuses_a_newer_schema(void **state) {
    (void)state;
    migrate();
    test_execute(database.url, "insert into skillreg.migration values (9999, 'future', 1)");
    struct db_migrate_report report;
    assert_int_equal(db_migrate(database.url, &report), GW_INVALID);
    assert_non_null(strstr(report.error, "version 9999"));
}

static void test_migrate_refuses_a_changed_file(void **state) {
    (void)state;
    migrate();
    test_execute(database.url,
                 "update skillreg.migration set checksum = checksum # 1 where number = 1");
    struct db_migrate_report report;
    assert_int_equal(db_migrate(database.url, &report), GW_INVALID);
    assert_non_null(strstr(report.error, "0001"));
}

static void test_migrate_takes_a_schema_of_the_first_form_of_a_file(void **state) {
    (void)state;
    migrate();
    test_execute(database.url,
                 "update skillreg.migration set checksum = 21208534 where number = 24");
    struct db_migrate_report report;
    assert_int_equal(db_migrate(database.url, &report), GW_OK);
    test_execute(database.url,
                 "update skillreg.migration set checksum = 21208534 where number = 25");
    assert_int_equal(db_migrate(database.url, &report), GW_INVALID);
    assert_non_null(strstr(report.error, "0025"));
}

static void test_migrate_that_fails_leaves_nothing(void **state) {
    (void)state;
    // in the way of a file, after others of its statements have run
    test_execute(database.url,
                 "create schema skillreg; create view skillreg.api_token as select 1");
    struct db_migrate_report report;
    assert_int_equal(db_migrate(database.url, &report), GW_INVALID);
    assert_non_null(strstr(report.error, "0001"));
    assert_int_equal(test_number(database.url,
                                 "select count(*) from pg_class c join pg_namespace n on"
                                 " n.oid = relnamespace where nspname = 'skillreg'"),
                     1);
}

// A role with whatever rights, but not those of the owner: `grants` are its rights, a list of
// statements.
static void with_role(const char *grants, char url[512]) {
    char sql[768];
    (void)snprintf(sql, sizeof(sql), "create role other_%s login; %s", database.name, grants);
    test_execute(database.url, sql);
    (void)snprintf(url, 512, "%s&user=other_%s", database.url, database.name);
}

static void drop_role(void) {
    char sql[256];
    (void)snprintf(sql, sizeof(sql),
                   "reassign owned by other_%s to current_user; drop owned by other_%s;"
                   "drop role other_%s",
                   database.name, database.name, database.name);
    test_execute(database.url, sql);
}

static void test_migrate_refuses_the_schema_of_somebody_else(void **state) {
    (void)state;
    migrate();
    test_execute(database.url, "delete from skillreg.migration where number > 8;"
                               "drop function skillreg.blockers(int[])");
    char url[512];
    with_role("grant all on schema skillreg to public;"
              "grant all on all tables in schema skillreg to public",
              url);
    struct db_migrate_report report;
    enum gw_status status = db_migrate(url, &report);
    drop_role();
    assert_int_equal(status, GW_INVALID);
    assert_non_null(strstr(report.error, "the schema skillreg belongs to the role tester"));
    assert_int_equal(test_number(database.url, "select max(number) from skillreg.migration"), 8);
}

static void test_migrate_refuses_a_stranger_when_nothing_is_missing(void **state) {
    (void)state;
    migrate();
    char url[512];
    with_role("", url);
    struct db_migrate_report report;
    enum gw_status status = db_migrate(url, &report);
    drop_role();
    assert_int_equal(status, GW_INVALID);
    assert_non_null(strstr(report.error, "belongs to the role tester"));
}

static void test_migrate_by_a_member_makes_what_belongs_to_the_owner(void **state) {
    (void)state;
    char url[512];
    char sql[512];
    with_role("", url);
    (void)snprintf(sql, sizeof(sql), "create schema skillreg authorization other_%s",
                   database.name);
    test_execute(database.url, sql);
    migrate(); // a superuser, who is a member of every role
    (void)snprintf(sql, sizeof(sql),
                   "select count(*) from pg_class where relnamespace = 'skillreg'::regnamespace"
                   " and relowner <> 'other_%s'::regrole",
                   database.name);
    long foreign = test_number(database.url, sql);
    struct db_migrate_report report;
    enum gw_status status = db_migrate(url, &report); // and the owner finds nothing to do
    drop_role();
    assert_int_equal(foreign, 0);
    assert_string_equal(report.error, "");
    assert_int_equal(status, GW_OK);
}

static void test_migrate_says_when_the_server_is_not_reachable(void **state) {
    (void)state;
    struct db_migrate_report report;
    assert_int_equal(
        db_migrate("postgresql://someone:hunter2@/x?host=/nonexistent-directory", &report),
        GW_UNAVAILABLE);
    assert_non_null(strstr(report.error, "cannot reach PostgreSQL"));
    assert_null(strstr(report.error, "hunter2"));
    assert_null(strchr(report.error, '\n'));
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, create_database)
        TEST(test_migrate_makes_the_schema),
        TEST(test_migrate_again_changes_nothing),
        TEST(test_migrate_ten_at_once_all_succeed_and_apply_once),
        TEST(test_migrate_refuses_a_newer_schema),
        TEST(test_migrate_refuses_a_changed_file),
        TEST(test_migrate_takes_a_schema_of_the_first_form_of_a_file),
        TEST(test_migrate_that_fails_leaves_nothing),
        TEST(test_migrate_refuses_the_schema_of_somebody_else),
        TEST(test_migrate_refuses_a_stranger_when_nothing_is_missing),
        TEST(test_migrate_by_a_member_makes_what_belongs_to_the_owner),
        TEST(test_migrate_says_when_the_server_is_not_reachable),
#undef TEST
    };
    (void)test_postgres_server();
    return cmocka_run_group_tests_name("migrate", tests, NULL, NULL);
}
