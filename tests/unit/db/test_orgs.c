// SPDX-License-Identifier: MIT
// Proves of db/orgs.c, on a real PostgreSQL: a slug is taken once, and found until its
// organisation is deleted.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "db/orgs.h"
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

struct org_making {
    struct db_org_create create;
    bool is_done;
    enum gw_status status;
};

static void on_org_made(struct db_org_create *create, enum gw_status status) {
    struct org_making *making = gw_container_of(create, struct org_making, create);
    making->is_done = true;
    making->status = status;
}

static enum gw_status make_org(const char *id, const char *slug) {
    struct org_making making = {.create = {.id = gw_str_from(id),
                                           .slug = gw_str_from(slug),
                                           .name = GW_STR("Name"),
                                           .on_done = on_org_made}};
    assert_int_equal(db_orgs_create(fixture.pool, &making.create), GW_OK);
    test_run_until(&fixture.loop, &making.is_done);
    return making.status;
}

struct org_finding {
    struct db_org_find find;
    bool is_done;
    enum gw_status status;
    char id[64];
};

static void on_org_found(struct db_org_find *find, enum gw_status status, struct gw_str id,
                         struct gw_str name) {
    (void)name;
    struct org_finding *finding = gw_container_of(find, struct org_finding, find);
    finding->is_done = true;
    finding->status = status;
    (void)snprintf(finding->id, sizeof(finding->id), "%.*s", GW_STR_ARG(id));
}

static enum gw_status find_org(struct org_finding *finding, const char *slug) {
    *finding = (struct org_finding){.find = {.slug = gw_str_from(slug), .on_done = on_org_found}};
    assert_int_equal(db_orgs_find(fixture.pool, &finding->find), GW_OK);
    test_run_until(&fixture.loop, &finding->is_done);
    return finding->status;
}

static void test_org_is_made_once_and_found_until_deleted(void **state) {
    (void)state;
    struct org_finding finding;
    assert_int_equal(make_org("org2", "globex"), GW_OK);
    assert_int_equal(make_org("org3", "globex"), GW_CONFLICT);
    assert_int_equal(make_org("org3", "-globex"), GW_INVALID);
    assert_int_equal(find_org(&finding, "globex"), GW_OK);
    assert_string_equal(finding.id, "org2");
    assert_int_equal(find_org(&finding, "nobody"), GW_NOT_FOUND);
    test_execute(fixture.database.url, "update skillreg.organisation set deleted_at = now()");
    assert_int_equal(find_org(&finding, "globex"), GW_NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)
        TEST(test_org_is_made_once_and_found_until_deleted),
#undef TEST
    };
    (void)test_postgres_server();
    return cmocka_run_group_tests_name("orgs", tests, NULL, NULL);
}
