// SPDX-License-Identifier: MIT
// Proves of db/audit.c, on a real PostgreSQL: it names actor and address, newest first, page by
// page, and those of one organisation.
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
};

static void on_audited(struct db_audit_list *list, enum gw_status status,
                       const struct db_audit_event *events, int count, bool has_more) {
    struct auditing *auditing = gw_container_of(list, struct auditing, list);
    auditing->is_done = true;
    auditing->status = status;
    auditing->has_more = has_more;
    auditing->lines[0] = '\0';
    for (int i = 0; i < count; i++) {
        const struct db_audit_event *event = &events[i];
        size_t used = strlen(auditing->lines);
        (void)snprintf(auditing->lines + used, sizeof(auditing->lines) - used,
                       "%.*s %.*s by %.*s (%.*s) from %.*s\n", GW_STR_ARG(event->action),
                       GW_STR_ARG(event->token_id), GW_STR_ARG(event->actor_name),
                       GW_STR_ARG(event->actor_token_id), GW_STR_ARG(event->address));
        assert_true(event->at_ms > 1700000000000);
        auditing->last_id = event->id;
    }
}

static void run_audit(struct auditing *auditing, int64_t before, uint32_t limit) {
    memset(auditing, 0, sizeof(*auditing));
    auditing->list.org_id = GW_STR("org1");
    auditing->list.before = before;
    auditing->list.limit = limit;
    auditing->list.on_done = on_audited;
    assert_int_equal(db_audit_list(fixture.pool, &auditing->list), GW_OK);
    test_run_until(&fixture.loop, &auditing->is_done);
    assert_int_equal(auditing->status, GW_OK);
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

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)
        TEST(test_audit_tells_who_did_what_from_where_newest_first),
        TEST(test_audit_is_of_one_organisation),
#undef TEST
    };
    (void)test_postgres_server();
    return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}
