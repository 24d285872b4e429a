// SPDX-License-Identifier: MIT
// Proves of db/token_store.c, on a real PostgreSQL: what is made is listed, pages, and can be revoked once and by its own
// organisation only; last-used times only move forward.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

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

// ---- create ----

struct creation {
    struct db_token_create create;
    bool is_done;
    enum gw_status status;
    int64_t created_ms;
};

static void on_created(struct db_token_create *create, enum gw_status status, int64_t created_ms) {
    struct creation *creation = gw_container_of(create, struct creation, create);
    assert_false(creation->is_done);
    creation->is_done = true;
    creation->status = status;
    creation->created_ms = created_ms;
}

static void init_creation(struct creation *creation, const char *id) {
    memset(creation, 0, sizeof(*creation));
    creation->create.org_id = GW_STR("org1");
    creation->create.id = gw_str_from(id);
    creation->create.name = GW_STR("ci-deploy");
    creation->create.prefix = GW_STR("sr_live_a1b2");
    creation->create.scopes = GW_SCOPE_READ | GW_SCOPE_WRITE;
    creation->create.expires_ms = DB_NO_TIME;
    creation->create.created_by = GW_STR("operator");
    memset(creation->create.digest, id[strlen(id) - 1], DB_DIGEST_LENGTH);
    creation->create.on_done = on_created;
}

static enum gw_status run_creation(struct creation *creation) {
    creation->is_done = false;
    assert_int_equal(db_token_store_create_token(fixture.store, &creation->create), GW_OK);
    assert_false(creation->is_done); // never inside the call
    test_run_until(&fixture.loop, &creation->is_done);
    return creation->status;
}

static void make_token(const char *id) {
    struct creation creation;
    init_creation(&creation, id);
    assert_int_equal(run_creation(&creation), GW_OK);
}

static void test_create_stores_what_it_was_given(void **state) {
    (void)state;
    struct creation creation;
    init_creation(&creation, "cltoken1");
    creation.create.name = GW_STR("d'eploy \"\xE2\x9C\x93\" %s; drop table x; --");
    creation.create.expires_ms = 4102444800123; // 2100-01-01T00:00:00.123Z
    assert_int_equal(run_creation(&creation), GW_OK);
    char row[512];
    test_value(fixture.database.url,
               "select concat_ws('|', id, org_id, name, prefix, encode(digest, 'hex'), scopes,"
               " to_char(expires_at at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.MS'), created_by,"
               " last_used_at is null) from skillreg.api_token",
               row, sizeof(row));
    assert_string_equal(row,
                        "cltoken1|org1|d'eploy \"\xE2\x9C\x93\" %s; drop table x; --|sr_live_a1b2|"
                        "3131313131313131313131313131313131313131313131313131313131313131|3|"
                        "2100-01-01 00:00:00.123|operator|t");
    assert_int_equal(creation.created_ms,
                     test_number(fixture.database.url, "select (extract(epoch from created_at)"
                                                       " * 1000)::int8 from skillreg.api_token"));
}

static void test_create_twice_is_a_conflict(void **state) {
    (void)state;
    make_token("cltoken1");
    struct creation creation;
    init_creation(&creation, "cltoken1");
    assert_int_equal(run_creation(&creation), GW_CONFLICT);
    creation.create.id = GW_STR("clother"); // same digest
    assert_int_equal(run_creation(&creation), GW_CONFLICT);
}

static void test_create_without_the_organisation_is_not_found(void **state) {
    (void)state;
    struct creation creation;
    init_creation(&creation, "cltoken1");
    creation.create.org_id = GW_STR("nobody");
    assert_int_equal(run_creation(&creation), GW_NOT_FOUND);
    test_execute(fixture.database.url, "update skillreg.organisation set deleted_at = now()");
    creation.create.org_id = GW_STR("org1");
    assert_int_equal(run_creation(&creation), GW_NOT_FOUND);
}

static void test_create_refuses_what_the_schema_refuses(void **state) {
    (void)state;
    struct creation creation;
    init_creation(&creation, "cltoken1");
    creation.create.name = gw_str("a\0b", 3); // must not reach us, and is no crash if it does
    assert_int_equal(run_creation(&creation), GW_INVALID);
    creation.create.name = GW_STR("");
    assert_int_equal(run_creation(&creation), GW_INVALID);
    creation.create.name = GW_STR("ok");
    creation.create.scopes = 0;
    assert_int_equal(run_creation(&creation), GW_INVALID);
    creation.create.scopes = GW_SCOPE_READ;
    creation.create.expires_ms = INT64_MAX;
    assert_int_equal(db_token_store_create_token(fixture.store, &creation.create), GW_INVALID);
}

// ---- revoke ----

struct revocation {
    struct db_token_revoke revoke;
    bool is_done;
    enum gw_status status;
    char name[64];
    int64_t revoked_ms;
    unsigned char digest[DB_DIGEST_LENGTH];
    uint64_t event_seq;
};

static void on_revoked(struct db_token_revoke *revoke, enum gw_status status, struct gw_str name,
                       int64_t revoked_ms) {
    struct revocation *revocation = gw_container_of(revoke, struct revocation, revoke);
    assert_false(revocation->is_done);
    revocation->is_done = true;
    revocation->status = status;
    (void)snprintf(revocation->name, sizeof(revocation->name), "%.*s", GW_STR_ARG(name));
    revocation->revoked_ms = revoked_ms;
    memcpy(revocation->digest, revoke->digest, DB_DIGEST_LENGTH);
    revocation->event_seq = revoke->event_seq;
}

static void start_revocation(struct revocation *revocation, const char *org_id, const char *id) {
    memset(revocation, 0, sizeof(*revocation));
    revocation->revoke.org_id = gw_str_from(org_id);
    revocation->revoke.id = gw_str_from(id);
    revocation->revoke.revoked_by = GW_STR("cladmin");
    revocation->revoke.on_done = on_revoked;
    assert_int_equal(db_token_store_revoke_token(fixture.store, &revocation->revoke), GW_OK);
}

static enum gw_status run_revocation(struct revocation *revocation, const char *org_id,
                                     const char *id) {
    start_revocation(revocation, org_id, id);
    test_run_until(&fixture.loop, &revocation->is_done);
    return revocation->status;
}

static void test_revoke_tells_name_time_digest_and_event_once(void **state) {
    (void)state;
    make_token("cltoken1");
    struct revocation revocation;
    assert_int_equal(run_revocation(&revocation, "org1", "cltoken1"), GW_OK);
    assert_string_equal(revocation.name, "ci-deploy");
    assert_int_equal(revocation.revoked_ms,
                     test_number(fixture.database.url, "select (extract(epoch from revoked_at)"
                                                       " * 1000)::int8 from skillreg.api_token"));
    unsigned char digest[DB_DIGEST_LENGTH];
    memset(digest, '1', sizeof(digest)); // see init_creation
    assert_memory_equal(revocation.digest, digest, sizeof(digest));
    assert_int_equal(
        revocation.event_seq,
        test_number(fixture.database.url, "select seq from skillreg.token_event where kind = 2"));
    assert_int_equal(run_revocation(&revocation, "org1", "cltoken1"), GW_NOT_FOUND);
    char by[64];
    test_value(fixture.database.url, "select revoked_by from skillreg.api_token", by, sizeof(by));
    assert_string_equal(by, "cladmin");
}

static void test_revoke_twice_at_once_one_wins(void **state) {
    (void)state;
    make_token("cltoken1");
    struct revocation first;
    struct revocation second;
    start_revocation(&first, "org1", "cltoken1");
    start_revocation(&second, "org1", "cltoken1");
    test_run_until(&fixture.loop, &first.is_done);
    test_run_until(&fixture.loop, &second.is_done);
    assert_int_equal((first.status == GW_OK) + (second.status == GW_OK), 1);
    assert_int_equal((first.status == GW_NOT_FOUND) + (second.status == GW_NOT_FOUND), 1);
}

static void test_revoke_of_a_foreign_or_unknown_token_is_not_found(void **state) {
    (void)state;
    make_token("cltoken1");
    struct revocation revocation;
    assert_int_equal(run_revocation(&revocation, "org2", "cltoken1"), GW_NOT_FOUND);
    assert_int_equal(run_revocation(&revocation, "org1", "clnone"), GW_NOT_FOUND);
    assert_int_equal(
        test_number(fixture.database.url,
                    "select count(*) from skillreg.api_token where revoked_at is null"),
        1);
}

// ---- list ----

struct listing {
    struct db_token_list list;
    bool is_done;
    enum gw_status status;
    int count;
    uint64_t total;
    char ids[512]; // joined by spaces
    struct db_token_row first;
};

static void on_listed(struct db_token_list *list, enum gw_status status,
                      const struct db_token_row *rows, int count, uint64_t total) {
    struct listing *listing = gw_container_of(list, struct listing, list);
    listing->is_done = true;
    listing->status = status;
    listing->count = count;
    listing->total = total;
    listing->ids[0] = '\0';
    for (int i = 0; i < count; i++) {
        size_t used = strlen(listing->ids);
        (void)snprintf(listing->ids + used, sizeof(listing->ids) - used, "%s%.*s",
                       i == 0 ? "" : " ", GW_STR_ARG(rows[i].id));
    }
    if (count > 0)
        listing->first = rows[0];
}

static void run_listing(struct listing *listing, const char *org_id, uint64_t offset,
                        uint32_t limit) {
    memset(listing, 0, sizeof(*listing));
    listing->list.org_id = gw_str_from(org_id);
    listing->list.offset = offset;
    listing->list.limit = limit;
    listing->list.on_done = on_listed;
    assert_int_equal(db_token_store_list_tokens(fixture.store, &listing->list), GW_OK);
    test_run_until(&fixture.loop, &listing->is_done);
    assert_int_equal(listing->status, GW_OK);
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

static void test_list_pages_newest_first_with_a_total(void **state) {
    (void)state;
    insert_tokens("org1", 5);
    struct listing listing;
    run_listing(&listing, "org1", 0, 2);
    assert_string_equal(listing.ids, "org15 org14");
    assert_int_equal(listing.total, 5);
    assert_int_equal(listing.first.created_ms, 1700000005000);
    assert_int_equal(listing.first.last_used_ms, DB_NO_TIME);
    assert_int_equal(listing.first.scopes, GW_SCOPE_READ);
    run_listing(&listing, "org1", 4, 2);
    assert_string_equal(listing.ids, "org11");
    run_listing(&listing, "org1", 6, 2);
    assert_int_equal(listing.count, 0);
    assert_int_equal(listing.total, 5);
    run_listing(&listing, "org1", INT64_MAX, 200);
    assert_int_equal(listing.total, 5);
}

static void test_list_shows_neither_revoked_nor_foreign_tokens(void **state) {
    (void)state;
    test_execute(fixture.database.url, "insert into skillreg.organisation (id, slug, name)"
                                       " values ('org2', 'other', 'Other')");
    insert_tokens("org1", 3);
    insert_tokens("org2", 3);
    struct revocation revocation;
    assert_int_equal(run_revocation(&revocation, "org1", "org12"), GW_OK);
    struct listing listing;
    run_listing(&listing, "org1", 0, 200);
    assert_string_equal(listing.ids, "org13 org11");
    assert_int_equal(listing.total, 2);
    run_listing(&listing, "org3", 0, 200);
    assert_int_equal(listing.total, 0);
}

static void test_list_of_tokens_made_in_the_same_instant_loses_none_between_pages(void **state) {
    (void)state;
    insert_tokens("org1", 4);
    test_execute(fixture.database.url, "update skillreg.api_token set created_at = '2026-01-01Z'");
    struct listing listing;
    run_listing(&listing, "org1", 0, 2);
    assert_string_equal(listing.ids, "org14 org13");
    run_listing(&listing, "org1", 2, 2);
    assert_string_equal(listing.ids, "org12 org11");
}

// ---- last used ----

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
    assert_int_equal(db_token_store_write_last_used(fixture.store, &writing.write), GW_OK);
    test_run_until(&fixture.loop, &writing.is_done);
    assert_int_equal(writing.status, GW_OK);
    assert_null(writing.write.scratch);
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

static void test_last_used_skips_revoked_and_unknown_tokens(void **state) {
    (void)state;
    insert_tokens("org1", 2);
    struct revocation revocation;
    assert_int_equal(run_revocation(&revocation, "org1", "org11"), GW_OK);
    const struct gw_str ids[] = {GW_STR_INIT("clnone"), GW_STR_INIT("org11"), GW_STR_INIT("org12")};
    assert_int_equal(run_writing(ids, (int64_t[]){1, 2, 3}, 3), 1);
    assert_int_equal(test_number(fixture.database.url, "select count(last_used_at)"
                                                       " from skillreg.api_token"),
                     1);
}

static void test_last_used_write_that_is_cancelled_frees_what_it_holds(void **state) {
    (void)state;
    const struct gw_str id = GW_STR("org11");
    struct writing writing = {
        .write = {.ids = &id, .used_ms = (int64_t[]){1}, .count = 1, .on_done = on_written}};
    assert_int_equal(db_token_store_write_last_used(fixture.store, &writing.write), GW_OK);
    db_token_store_cancel(fixture.store, &writing.write.query);
    db_token_store_cancel(fixture.store, &writing.write.query); // harmless
    assert_null(writing.write.scratch);
    struct listing listing;
    run_listing(&listing, "org1", 0, 1);
    assert_false(writing.is_done);
}

// ---- organisations ----

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
    assert_int_equal(db_token_store_create_org(fixture.store, &making.create), GW_OK);
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
    assert_int_equal(db_token_store_find_org(fixture.store, &finding->find), GW_OK);
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
        TEST(test_create_stores_what_it_was_given),
        TEST(test_create_twice_is_a_conflict),
        TEST(test_create_without_the_organisation_is_not_found),
        TEST(test_create_refuses_what_the_schema_refuses),
        TEST(test_revoke_tells_name_time_digest_and_event_once),
        TEST(test_revoke_twice_at_once_one_wins),
        TEST(test_revoke_of_a_foreign_or_unknown_token_is_not_found),
        TEST(test_list_pages_newest_first_with_a_total),
        TEST(test_list_shows_neither_revoked_nor_foreign_tokens),
        TEST(test_list_of_tokens_made_in_the_same_instant_loses_none_between_pages),
        TEST(test_last_used_moves_forward_only),
        TEST(test_last_used_skips_revoked_and_unknown_tokens),
        TEST(test_last_used_write_that_is_cancelled_frees_what_it_holds),
        TEST(test_org_is_made_once_and_found_until_deleted),
#undef TEST
    };
    (void)test_postgres_server();
    return cmocka_run_group_tests_name("token_store", tests, NULL, NULL);
}
