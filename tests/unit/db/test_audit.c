// SPDX-License-Identifier: MIT
// Proves of db/audit.c, on a real PostgreSQL: it names actor and address, newest first, page by
// page, those of one organisation, and those that a filter lets through, in both directions.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "db/audit.h"
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

// Through the functions of the schema, as db/tokens.c calls them.
static void create_token(const char *org_id, const char *id, const char *by, const char *from,
                         const char *is_imported) {
    char sql[512];
    (void)snprintf(sql, sizeof(sql),
                   "select skillreg.token_create('%s', '%s', 'ci-deploy', 'sr_live_a1b2',"
                   " sha256('%s'), 4::int2, null, '%s', %s, %s, null, false)",
                   id, org_id, id, by, from, is_imported);
    test_execute(fixture.database.url, sql);
}

struct auditing {
    struct db_audit_list list;
    bool is_done;
    enum gw_status status;
    bool has_more;
    int64_t last_id;
    char lines[1024];
    char ids[64];
};

static void on_audited(struct db_audit_list *list, enum gw_status status,
                       const struct db_audit_event *events, int count, bool has_more) {
    struct auditing *auditing = gw_container_of(list, struct auditing, list);
    auditing->is_done = true;
    auditing->status = status;
    auditing->has_more = has_more;
    auditing->lines[0] = '\0';
    auditing->ids[0] = '\0';
    for (int i = 0; i < count; i++) {
        const struct db_audit_event *event = &events[i];
        size_t used = strlen(auditing->lines);
        (void)snprintf(auditing->lines + used, sizeof(auditing->lines) - used,
                       "%.*s %.*s by %.*s (%.*s) from %.*s\n", GW_STR_ARG(event->action),
                       GW_STR_ARG(event->token_id), GW_STR_ARG(event->actor_name),
                       GW_STR_ARG(event->actor_token_id), GW_STR_ARG(event->address));
        assert_true(event->at_ms > 1700000000000);
        auditing->last_id = event->id;
        used = strlen(auditing->ids);
        (void)snprintf(auditing->ids + used, sizeof(auditing->ids) - used, "%lld ",
                       (long long)event->id);
    }
}

static void run_filtered(struct auditing *auditing, struct db_audit_filter filter, uint32_t limit) {
    memset(auditing, 0, sizeof(*auditing));
    auditing->list.org_id = GW_STR("org1");
    auditing->list.filter = filter;
    auditing->list.limit = limit;
    auditing->list.on_done = on_audited;
    assert_int_equal(db_audit_list(fixture.pool, &auditing->list), GW_OK);
    test_run_until(&fixture.loop, &auditing->is_done);
    assert_int_equal(auditing->status, GW_OK);
}

static void run_audit(struct auditing *auditing, int64_t before, uint32_t limit) {
    struct db_audit_filter filter = db_audit_filter_none;
    filter.position = before;
    run_filtered(auditing, filter, limit);
}

static void test_audit_tells_who_did_what_from_where_newest_first(void **state) {
    (void)state;
    create_token("org1", "cladmin0", "operator", "null", "false");
    create_token("org1", "cltoken1", "cladmin0", "'2001:db8::7'", "true");
    test_execute(fixture.database.url,
                 "select skillreg.token_revoke('org1', 'cltoken1', 'operator', null, false)");
    struct auditing auditing;
    run_audit(&auditing, INT64_MAX, 200);
    assert_string_equal(auditing.lines, "revoke cltoken1 by operator () from \n"
                                        "import cltoken1 by ci-deploy (cladmin0) from 2001:db8::7\n"
                                        "create cladmin0 by operator () from \n");
    assert_false(auditing.has_more);
    run_audit(&auditing, INT64_MAX, 1);
    assert_true(auditing.has_more);
    run_audit(&auditing, auditing.last_id, 2);
    assert_string_equal(auditing.lines, "import cltoken1 by ci-deploy (cladmin0) from 2001:db8::7\n"
                                        "create cladmin0 by operator () from \n");
    assert_false(auditing.has_more);
    run_audit(&auditing, auditing.last_id, 2);
    assert_string_equal(auditing.lines, "");
}

static void test_audit_is_of_one_organisation(void **state) {
    (void)state;
    test_execute(fixture.database.url, "insert into skillreg.organisation (id, slug, name)"
                                       " values ('org2', 'other', 'Other')");
    create_token("org2", "cladmin0", "operator", "null", "false");
    struct auditing auditing;
    run_audit(&auditing, INT64_MAX, 200);
    assert_string_equal(auditing.lines, "");
}

// Five events, numbered 1 to 5, a minute apart: an operator makes an admin token, which makes
// another, rotates and revokes it; the successor is revoked by the operator.
static void write_history(void) {
    create_token("org1", "cladmin0", "operator", "null", "false");
    create_token("org1", "cltoken1", "cladmin0", "null", "false");
    test_execute(fixture.database.url,
                 "select skillreg.token_rotate('org1', 'cltoken1', 'cltoken2', 'sr_live_a1b2',"
                 " sha256('2'), 60, null, null, 'cladmin0', null, null, null);"
                 "select skillreg.token_revoke('org1', 'cltoken1', 'cladmin0', null, false);"
                 "select skillreg.token_revoke('org1', 'cltoken2', 'operator', null, false);"
                 "set session_replication_role = replica;"
                 "update skillreg.token_audit"
                 " set at = timestamptz '2026-01-01 00:00:00Z' + (id - 1) * interval '1 minute'");
}

#define MINUTE_MS 60000
#define FIRST_MS 1767225600000 // 2026-01-01T00:00:00Z

static void test_audit_lets_a_filter_choose(void **state) {
    (void)state;
    static const struct {
        struct db_audit_filter filter;
        const char *ids;
    } cases[] = {
        {{.token_id = GW_STR_INIT("cltoken1")}, "4 3 2 "},
        {{.token_id = GW_STR_INIT("cltoken2")}, "5 3 "},
        {{.actor = GW_STR_INIT("cladmin0")}, "4 3 2 "},
        {{.actor = GW_STR_INIT("operator")}, "5 1 "},
        {{.actor = GW_STR_INIT("expiry")}, ""},
        {{.action = GW_STR_INIT("revoke")}, "5 4 "},
        {{.action = GW_STR_INIT("import")}, ""},
        {{.since_ms = FIRST_MS + 2LL * MINUTE_MS}, "5 4 3 "},
        {{.since_ms = FIRST_MS + 2LL * MINUTE_MS + 1}, "5 4 "},
        {{.until_ms = FIRST_MS + 2LL * MINUTE_MS}, "2 1 "},
        {{.until_ms = FIRST_MS + 2LL * MINUTE_MS + 1}, "3 2 1 "},
        {{.since_ms = FIRST_MS + 9LL * MINUTE_MS}, ""},
        {{.until_ms = FIRST_MS}, ""},
        {{.actor = GW_STR_INIT("cladmin0"),
          .action = GW_STR_INIT("revoke"),
          .token_id = GW_STR_INIT("cltoken1"),
          .since_ms = FIRST_MS + 3LL * MINUTE_MS,
          .until_ms = FIRST_MS + 4LL * MINUTE_MS},
         "4 "},
    };
    write_history();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct auditing auditing;
        struct db_audit_filter filter = cases[i].filter;
        filter.position = INT64_MAX;
        filter.since_ms = filter.since_ms == 0 ? DB_NO_TIME : filter.since_ms;
        filter.until_ms = filter.until_ms == 0 ? DB_NO_TIME : filter.until_ms;
        run_filtered(&auditing, filter, 200);
        if (strcmp(auditing.ids, cases[i].ids) != 0)
            fail_msg("case %zu: %s instead of %s", i, auditing.ids, cases[i].ids);
    }
}

static void test_audit_goes_on_after_an_event_oldest_first(void **state) {
    (void)state;
    write_history();
    struct auditing auditing;
    struct db_audit_filter filter = db_audit_filter_none;
    filter.order = DB_AUDIT_OLDEST_FIRST;
    filter.position = 0;
    run_filtered(&auditing, filter, 2);
    assert_string_equal(auditing.ids, "1 2 ");
    assert_true(auditing.has_more);
    filter.position = 2;
    run_filtered(&auditing, filter, 3);
    assert_string_equal(auditing.ids, "3 4 5 ");
    assert_false(auditing.has_more);
    filter.position = 5;
    run_filtered(&auditing, filter, 3);
    assert_string_equal(auditing.ids, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)
        TEST(test_audit_tells_who_did_what_from_where_newest_first),
        TEST(test_audit_is_of_one_organisation),
        TEST(test_audit_lets_a_filter_choose),
        TEST(test_audit_goes_on_after_an_event_oldest_first),
#undef TEST
    };
    (void)test_postgres_server();
    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
