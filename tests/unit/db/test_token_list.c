// SPDX-License-Identifier: MIT
// Proves of db/token_list.c, on a real PostgreSQL: the live tokens of an organisation are listed,
// and no others, newest first.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "db/token_list.h"
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

struct listing {
    struct db_token_list list;
    bool is_done;
    enum gw_status status;
    int count;
    int minted;
    uint64_t total;
    char ids[512]; // joined by spaces
    struct db_token_row first;
    struct gw_ip_range first_allowed_ip;
    char first_description[64]; // "null" without one
    enum db_token_state first_state;
    bool has_more;
    int64_t last_time_us;
    char last_text[64];
    char last_id[DB_ID_LENGTH_MAX + 1];
};

static void on_listed(struct db_token_list *list, enum gw_status status,
                      const struct db_token_page *page) {
    struct listing *listing = gw_container_of(list, struct listing, list);
    listing->is_done = true;
    listing->status = status;
    listing->count = page->count;
    listing->total = page->total;
    listing->minted = page->minted;
    listing->has_more = page->has_more;
    listing->ids[0] = '\0';
    for (int i = 0; i < page->count; i++) {
        size_t used = strlen(listing->ids);
        (void)snprintf(listing->ids + used, sizeof(listing->ids) - used, "%s%.*s",
                       i == 0 ? "" : " ", GW_STR_ARG(page->entries[i].row.id));
    }
    if (page->count == 0)
        return;
    const struct db_token_entry *last = &page->entries[page->count - 1];
    listing->last_time_us = last->position.time_us;
    (void)snprintf(listing->last_text, sizeof(listing->last_text), "%.*s",
                   GW_STR_ARG(last->position.text));
    (void)snprintf(listing->last_id, sizeof(listing->last_id), "%.*s", GW_STR_ARG(last->row.id));
    listing->first = page->entries[0].row;
    listing->first_state = page->entries[0].state;
    struct gw_str description = listing->first.description;
    if (description.at == NULL)
        description = GW_STR("null");
    (void)snprintf(listing->first_description, sizeof(listing->first_description), "%.*s",
                   GW_STR_ARG(description));
    if (listing->first.allowed_ip_count > 0)
        listing->first_allowed_ip = listing->first.allowed_ips[0];
}

static void run(struct listing *listing) {
    listing->is_done = false;
    listing->list.on_done = on_listed;
    assert_int_equal(db_token_list_start(fixture.pool, &listing->list), GW_OK);
    test_run_until(&fixture.loop, &listing->is_done);
    assert_int_equal(listing->status, GW_OK);
}

static void run_listing(struct listing *listing, const char *org_id, uint64_t offset,
                        uint32_t limit) {
    memset(listing, 0, sizeof(*listing));
    listing->list.org_id = gw_str_from(org_id);
    listing->list.offset = offset;
    listing->list.limit = limit;
    listing->list.counts = true;
    run(listing);
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

static void test_list_shows_where_each_token_may_be_used_from(void **state) {
    (void)state;
    insert_tokens("org1", 2);
    test_execute(fixture.database.url, "update skillreg.api_token set allowed_ips ="
                                       " '{192.0.2.7,::/0}' where id = 'org12'");
    struct listing listing;
    run_listing(&listing, "org1", 0, 2);
    assert_int_equal(listing.first.allowed_ip_count, 2);
    char text[GW_IP_RANGE_TEXT_BYTES_MAX];
    (void)gw_ip_range_format(&listing.first_allowed_ip, text);
    assert_string_equal(text, "192.0.2.7");
    run_listing(&listing, "org1", 1, 2);
    assert_int_equal(listing.first.allowed_ip_count, 0);
}

static void test_list_shows_what_a_token_is_for_and_that_it_rotates_itself(void **state) {
    (void)state;
    insert_tokens("org1", 2);
    test_execute(fixture.database.url, "update skillreg.api_token set description = 'the bot',"
                                       " rotates_itself = true where id = 'org12'");
    struct listing listing;
    run_listing(&listing, "org1", 0, 2);
    assert_string_equal(listing.first_description, "the bot");
    assert_true(listing.first.rotates_itself);
    run_listing(&listing, "org1", 1, 2);
    assert_string_equal(listing.first_description, "null");
    assert_false(listing.first.rotates_itself);
}

static void test_list_shows_neither_revoked_nor_foreign_tokens(void **state) {
    (void)state;
    test_execute(fixture.database.url, "insert into skillreg.organisation (id, slug, name)"
                                       " values ('org2', 'other', 'Other')");
    insert_tokens("org1", 3);
    insert_tokens("org2", 3);
    test_execute(fixture.database.url, "update skillreg.api_token set revoked_at = now(),"
                                       " revoked_by = 'operator' where id = 'org12'");
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

// ---- by position ----

static void begin(struct listing *listing, enum db_token_order order, uint32_t limit) {
    memset(listing, 0, sizeof(*listing));
    listing->list.org_id = GW_STR("org1");
    listing->list.order = order;
    listing->list.limit = limit;
}

static void go_on(struct listing *listing) {
    listing->list.after = (struct db_token_position){.text = gw_str_from(listing->last_text),
                                                     .time_us = listing->last_time_us,
                                                     .id = gw_str_from(listing->last_id)};
    run(listing);
}

static void test_a_position_outlives_its_token_and_its_neighbours(void **state) {
    (void)state;
    struct listing listing;
    insert_tokens("org1", 6);
    test_execute(fixture.database.url, "update skillreg.api_token set created_at ="
                                       " '2026-01-01 00:00:00.000007Z' where id <= 'org14'");
    begin(&listing, DB_TOKENS_NEWEST_FIRST, 2);
    run(&listing);
    assert_string_equal(listing.ids, "org14 org13");
    assert_true(listing.has_more);
    test_execute(fixture.database.url, "delete from skillreg.api_token where id = 'org13'");
    go_on(&listing);
    assert_string_equal(listing.ids, "org12 org11");
    go_on(&listing);
    assert_string_equal(listing.ids, "org16 org15");
    assert_false(listing.has_more);
    go_on(&listing);
    assert_int_equal(listing.count, 0);
    assert_int_equal(listing.total, 0);
}

static void test_every_order_gives_each_token_once(void **state) {
    (void)state;
    static const char *const expected[DB_TOKEN_ORDER_COUNT] = {
        [DB_TOKENS_NEWEST_FIRST] = "org14 org13 org12 org11 ",
        [DB_TOKENS_BY_CREATED] = "org11 org12 org13 org14 ",
        [DB_TOKENS_BY_NAME] = "org14 org11 org13 org12 ",
        [DB_TOKENS_BY_NAME_DOWN] = "org12 org13 org11 org14 ",
        [DB_TOKENS_BY_LAST_USED] = "org11 org14 org13 org12 ",
        [DB_TOKENS_BY_LAST_USED_DOWN] = "org12 org13 org14 org11 ",
        [DB_TOKENS_BY_EXPIRES] = "org13 org12 org11 org14 ",
        [DB_TOKENS_BY_EXPIRES_DOWN] = "org14 org11 org12 org13 ",
    };
    insert_tokens("org1", 4);
    test_execute(
        fixture.database.url,
        "update skillreg.api_token t set name = v.name, last_used_at = v.used::timestamptz,"
        " expires_at = v.ends::timestamptz from (values"
        " ('org11', 'b', null, null), ('org12', 'C', '2026-01-03Z', '2096-01-02Z'),"
        " ('org13', 'B', '2026-01-02Z', '2096-01-01Z'), ('org14', 'a', null, null))"
        " v(id, name, used, ends) where t.id = v.id");
    for (int order = 0; order < DB_TOKEN_ORDER_COUNT; order++) {
        struct listing listing;
        char ids[128] = "";
        begin(&listing, (enum db_token_order)order, 1);
        for (run(&listing); listing.count > 0; go_on(&listing)) {
            strcat(ids, listing.ids);
            strcat(ids, " ");
        }
        assert_string_equal(ids, expected[order]);
    }
}

// ---- filters ----

static void assert_filtered(struct db_token_filter filter, const char *ids) {
    static const enum db_token_order orders[] = {DB_TOKENS_NEWEST_FIRST, DB_TOKENS_BY_CREATED};
    for (size_t i = 0; i < 2; i++) {
        struct listing listing;
        begin(&listing, orders[i], 200);
        listing.list.filter = filter;
        listing.list.counts = i > 0;
        run(&listing);
        assert_int_equal(listing.total, i > 0 ? listing.count : 0);
        if (orders[i] == DB_TOKENS_NEWEST_FIRST)
            assert_string_equal(listing.ids, ids);
        else
            assert_int_equal(strlen(listing.ids), strlen(ids));
    }
}

#define DAY_MS (24 * 60 * 60 * 1000ULL)

static void test_each_filter_leaves_what_it_says(void **state) {
    (void)state;
    insert_tokens("org1", 6); // made in 2023
    test_execute(fixture.database.url,
                 "update skillreg.api_token set name = 'CI %_x', prefix = 'sr_test_a1b2'"
                 " where id = 'org11';"
                 "update skillreg.api_token set last_used_at = now() where id = 'org12';"
                 "update skillreg.api_token set last_used_at = now() - interval '91 days',"
                 " scopes = 5 where id = 'org13';"
                 "update skillreg.api_token set expires_at = now() + interval '13 days'"
                 " where id = 'org14';"
                 "update skillreg.api_token set expires_at = now(), replaced_by = 'org11'"
                 " where id = 'org15';"
                 "update skillreg.api_token set revoked_at = now(), revoked_by = 'org11'"
                 " where id = 'org16'");
    assert_filtered((struct db_token_filter){.all = false}, "org14 org13 org12 org11");
    assert_filtered((struct db_token_filter){.all = true}, "org16 org15 org14 org13 org12 org11");
    assert_filtered((struct db_token_filter){.unused_ms = 90 * DAY_MS}, "org14 org13 org11");
    assert_filtered((struct db_token_filter){.unused_ms = 100 * DAY_MS}, "org14 org11");
    assert_filtered((struct db_token_filter){.expiring_ms = 14 * DAY_MS}, "org14");
    assert_filtered((struct db_token_filter){.expiring_ms = 12 * DAY_MS}, "");
    assert_filtered((struct db_token_filter){.name = GW_STR("ci %_X")}, "org11");
    assert_filtered((struct db_token_filter){.name = GW_STR("%")}, "org11");
    assert_filtered((struct db_token_filter){.prefix = GW_STR("sr_test_")}, "org11");
    assert_filtered((struct db_token_filter){.scopes = GW_SCOPE_ADMIN}, "org13");
    assert_filtered((struct db_token_filter){.scopes = GW_SCOPE_ADMIN, .name = GW_STR("ci")}, "");
}

// ---- one ----

struct showing {
    struct db_token_show show;
    bool is_done;
    enum gw_status status;
    char text[256];
};

static void on_shown(struct db_token_show *show, enum gw_status status,
                     const struct db_token_details *details) {
    struct showing *showing = gw_container_of(show, struct showing, show);
    showing->is_done = true;
    showing->status = status;
    if (details == NULL)
        return;
    const struct db_token_entry *entry = &details->entry;
    (void)snprintf(showing->text, sizeof(showing->text), "%d %.*s %.*s %.*s %.*s %.*s %.*s",
                   entry->state, GW_STR_ARG(entry->revoked_by.text),
                   GW_STR_ARG(entry->revoked_by.name), GW_STR_ARG(details->revoked_from),
                   GW_STR_ARG(entry->replaced_by), GW_STR_ARG(details->replaces),
                   GW_STR_ARG(details->created_by.text));
}

static enum gw_status run_showing(struct showing *showing, const char *org_id, const char *id) {
    memset(showing, 0, sizeof(*showing));
    showing->show.org_id = gw_str_from(org_id);
    showing->show.id = gw_str_from(id);
    showing->show.on_done = on_shown;
    assert_int_equal(db_token_show_start(fixture.pool, &showing->show), GW_OK);
    test_run_until(&fixture.loop, &showing->is_done);
    return showing->status;
}

static void test_one_is_shown_in_every_state_to_its_organisation(void **state) {
    (void)state;
    struct showing showing;
    insert_tokens("org1", 2);
    test_execute(fixture.database.url,
                 "update skillreg.api_token set revoked_at = now(), revoked_by = 'org12',"
                 " revoked_from = '192.0.2.7', replaced_by = 'org12', replaces = 'org10'"
                 " where id = 'org11'");
    assert_int_equal(run_showing(&showing, "org1", "org11"), GW_OK);
    assert_string_equal(showing.text, "2 org12 name 2 192.0.2.7 org12 org10 operator");
    assert_int_equal(run_showing(&showing, "org1", "org12"), GW_OK);
    assert_int_equal(run_showing(&showing, "org2", "org11"), GW_NOT_FOUND);
    assert_int_equal(run_showing(&showing, "org1", "org13"), GW_NOT_FOUND);
}

// In each order, with and without the count of all.
static void test_minted_tokens_stand_in_a_list_of_their_own(void **state) {
    (void)state;
    insert_tokens("org1", 3);
    test_execute(fixture.database.url, "insert into skillreg.organisation (id, slug, name)"
                                       " values ('org2', 'other', 'Other')");
    insert_tokens("org2", 2);
    test_execute(fixture.database.url,
                 "update skillreg.api_token set org_id = 'org1', is_minted = true,"
                 " created_by = 'rule', expires_at = now() + interval '1 minute'"
                 " where org_id = 'org2'");
    for (int order = 0; order < DB_TOKEN_ORDER_COUNT; order++) {
        for (int counts = 0; counts < 2; counts++) {
            struct listing listing = {.list = {.org_id = GW_STR("org1"),
                                               .order = (enum db_token_order)order,
                                               .counts = counts == 1,
                                               .limit = 10}};
            run(&listing);
            assert_int_equal(listing.count, 3);
            assert_null(strstr(listing.ids, "org2"));
            assert_int_equal(listing.minted, 2);
            listing.list.filter.minted = true;
            run(&listing);
            assert_int_equal(listing.count, 2);
            assert_null(strstr(listing.ids, "org1"));
            assert_int_equal(listing.minted, 0);
        }
    }
}

static void test_minted_tokens_are_counted_while_they_live(void **state) {
    (void)state;
    struct listing listing;
    insert_tokens("org1", 1);
    test_execute(fixture.database.url,
                 "insert into skillreg.api_token (id, org_id, name, prefix, digest, scopes,"
                 " created_by, expires_at, is_minted) select 'm' || i, 'org1', 'run',"
                 " 'sr_live_a1b2', sha256(('m' || i)::bytea), 1, 'rule',"
                 " now() + interval '1 minute', true from generate_series(1, 1002) i;"
                 "update skillreg.api_token set expires_at = now() where id = 'm1';"
                 "update skillreg.api_token set revoked_at = now(), revoked_by = 'x'"
                 " where id = 'm2'");
    run_listing(&listing, "org1", 0, 1);
    assert_int_equal(listing.minted, 1000);
    test_execute(fixture.database.url,
                 "update skillreg.api_token set expires_at = now() + interval '1 minute'"
                 " where id = 'm1'");
    run_listing(&listing, "org1", 0, 1);
    assert_int_equal(listing.minted, DB_TOKENS_MINTED_COUNT_MAX);
    assert_int_equal(listing.total, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)
        TEST(test_list_pages_newest_first_with_a_total),
        TEST(test_list_shows_where_each_token_may_be_used_from),
        TEST(test_minted_tokens_stand_in_a_list_of_their_own),
        TEST(test_minted_tokens_are_counted_while_they_live),
        TEST(test_list_shows_what_a_token_is_for_and_that_it_rotates_itself),
        TEST(test_list_shows_neither_revoked_nor_foreign_tokens),
        TEST(test_list_of_tokens_made_in_the_same_instant_loses_none_between_pages),
        TEST(test_a_position_outlives_its_token_and_its_neighbours),
        TEST(test_every_order_gives_each_token_once),
        TEST(test_each_filter_leaves_what_it_says),
        TEST(test_one_is_shown_in_every_state_to_its_organisation),
#undef TEST
    };
    (void)test_postgres_server();
    return cmocka_run_group_tests_name("token_list", tests, NULL, NULL);
}
