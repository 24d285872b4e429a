// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/san.h"
#include "gateway/auth/table.h"
#include "token/limits.h"

#define MALLOC_OVERHEAD_BYTES 16

static void digest_of(uint32_t number, unsigned char digest[DB_DIGEST_LENGTH]) {
    memset(digest, 0, DB_DIGEST_LENGTH);
    memcpy(digest, &number, sizeof(number));
}

static struct db_token_row row_of(const char *org_id) {
    return (struct db_token_row){.id = GW_STR("cl0123456789abcdefghijkl"),
                                 .name = GW_STR("ci-deploy-production"),
                                 .prefix = GW_STR("sr_live_a1b2"),
                                 .scopes = GW_SCOPE_READ | GW_SCOPE_WRITE,
                                 .rotates_itself = true,
                                 .created_ms = 1700000000000,
                                 .last_used_ms = DB_NO_TIME,
                                 .expires_ms = 1800000000000,
                                 .org_id = gw_str_from(org_id),
                                 .org_slug = GW_STR("acme"),
                                 .org_name = GW_STR("Acme Corporation")};
}

static void init_table(struct gw_auth_table *table, uint32_t live_max, uint32_t negative_max) {
    assert_int_equal(gw_auth_table_init(table, live_max, negative_max), GW_OK);
}

static struct gw_auth_entry *put_row(struct gw_auth_table *table, uint32_t number,
                                     const struct db_token_row *row) {
    unsigned char digest[DB_DIGEST_LENGTH];
    digest_of(number, digest);
    return gw_auth_table_put_live(table, digest, row);
}

static struct gw_auth_entry *put_live(struct gw_auth_table *table, uint32_t number) {
    const struct db_token_row row = row_of("org1");
    return put_row(table, number, &row);
}

static struct gw_auth_entry *put_negative(struct gw_auth_table *table, uint32_t number,
                                          enum gw_auth_kind kind) {
    unsigned char digest[DB_DIGEST_LENGTH];
    digest_of(number, digest);
    return gw_auth_table_put_negative(table, digest, kind);
}

static struct gw_auth_entry *find(struct gw_auth_table *table, uint32_t number) {
    unsigned char digest[DB_DIGEST_LENGTH];
    digest_of(number, digest);
    return gw_auth_table_find(table, digest);
}

static void test_a_row_comes_back_as_it_was_put(void **state) {
    (void)state;
    struct gw_auth_table table;
    init_table(&table, 10, 10);
    const struct gw_auth_entry *put = put_live(&table, 1);
    assert_ptr_equal(find(&table, 1), put);
    assert_null(find(&table, 2));
    struct db_token_row row;
    memset(&row, 0xa5, sizeof(row)); // every member is set
    const struct db_token_row wanted = row_of("org1");
    gw_auth_entry_row(put, &row);
    assert_true(gw_str_equal(row.id, wanted.id));
    assert_true(gw_str_equal(row.name, wanted.name));
    assert_true(gw_str_equal(row.prefix, wanted.prefix));
    assert_true(gw_str_equal(row.org_id, wanted.org_id));
    assert_true(gw_str_equal(row.org_slug, wanted.org_slug));
    assert_true(gw_str_equal(row.org_name, wanted.org_name));
    assert_int_equal(row.scopes, wanted.scopes);
    assert_true(row.rotates_itself);
    assert_null(row.description.at);
    assert_false(row.binds_children);
    assert_int_equal(row.created_ms, wanted.created_ms);
    assert_int_equal(row.last_used_ms, wanted.last_used_ms);
    assert_int_equal(row.expires_ms, wanted.expires_ms);
    gw_auth_table_deinit(&table);
}

// The longest that the schema allows: no length may be cut short on its way through the compact
// form.
static void test_the_longest_row_comes_back_whole(void **state) {
    (void)state;
    char name[400];
    char slug[DB_SLUG_LENGTH_MAX];
    unsigned char digest[DB_DIGEST_LENGTH];
    struct gw_auth_table table;
    struct db_token_row row = row_of("org1");
    struct db_token_row back;
    memset(name, 'n', sizeof(name));
    memset(slug, 's', sizeof(slug));
    row.name = row.org_name = gw_str(name, sizeof(name));
    row.org_slug = gw_str(slug, sizeof(slug));
    digest_of(1, digest);
    init_table(&table, 1, 1);
    gw_auth_entry_row(gw_auth_table_put_live(&table, digest, &row), &back);
    assert_true(gw_str_equal(back.name, row.name));
    assert_true(gw_str_equal(back.org_name, row.org_name));
    assert_true(gw_str_equal(back.org_slug, row.org_slug));
    gw_auth_table_deinit(&table);
}

static void test_addresses_come_back_and_cost_nothing_where_there_are_none(void **state) {
    (void)state;
    struct gw_auth_table table;
    struct gw_ip_range ranges[GW_ALLOWED_IPS_MAX];
    struct db_token_row row = row_of("org1");
    struct db_token_row back;
    unsigned char digest[DB_DIGEST_LENGTH];
    init_table(&table, 10, 10);
    assert_non_null(put_live(&table, 1));
    size_t bytes_before = table.bytes;
    gw_auth_entry_row(put_live(&table, 2), &back);
    assert_int_equal(back.allowed_ip_count, 0);
    size_t bytes_without = table.bytes - bytes_before;
    for (uint8_t i = 0; i < GW_ALLOWED_IPS_MAX; i++)
        ranges[i] = (struct gw_ip_range){.first.bytes = {i}, .prefix_bits = i};
    row.allowed_ips = ranges;
    row.allowed_ip_count = GW_ALLOWED_IPS_MAX;
    digest_of(3, digest);
    const struct gw_auth_entry *entry = gw_auth_table_put_live(&table, digest, &row);
    gw_auth_entry_row(entry, &back);
    assert_int_equal(back.allowed_ip_count, GW_ALLOWED_IPS_MAX);
    assert_memory_equal(back.allowed_ips, ranges, sizeof(ranges));
    assert_true(gw_str_equal(back.name, row.name));
    assert_int_equal(table.bytes - bytes_before, 2 * bytes_without + sizeof(ranges));
    gw_auth_table_deinit(&table);
}

static void test_a_binding_comes_back_and_costs_nothing_where_there_is_none(void **state) {
    (void)state;
    struct gw_auth_table table;
    char longest[GW_SAN_BYTES_MAX];
    struct gw_ip_range range = {.prefix_bits = 8};
    struct db_token_row row = row_of("org1");
    struct db_token_row back;
    unsigned char digest[DB_DIGEST_LENGTH];
    init_table(&table, 10, 10);
    assert_non_null(put_live(&table, 1));
    size_t bytes_before = table.bytes;
    gw_auth_entry_row(put_live(&table, 2), &back);
    assert_int_equal(back.bound_san.length, 0);
    size_t bytes_without = table.bytes - bytes_before;
    memset(longest, 'x', sizeof(longest));
    row.allowed_ips = &range;
    row.allowed_ip_count = 1;
    row.bound_san = gw_str(longest, sizeof(longest));
    digest_of(3, digest);
    gw_auth_entry_row(gw_auth_table_put_live(&table, digest, &row), &back);
    assert_true(gw_str_equal(back.bound_san, row.bound_san));
    assert_memory_equal(back.allowed_ips, &range, sizeof(range));
    assert_true(gw_str_equal(back.name, row.name) && gw_str_equal(back.id, row.id));
    assert_int_equal(table.bytes - bytes_before,
                     2 * bytes_without + sizeof(range) + 2 + sizeof(longest));
    gw_auth_table_remove(&table, gw_auth_table_find(&table, digest));
    assert_int_equal(table.bytes - bytes_before, bytes_without);
    gw_auth_table_deinit(&table);
}

static void test_a_put_takes_the_place_of_what_was_there(void **state) {
    (void)state;
    struct gw_auth_table table;
    init_table(&table, 10, 10);
    assert_non_null(put_live(&table, 1));
    assert_non_null(put_live(&table, 1));
    assert_int_equal(table.live.count, 1);
    assert_non_null(put_negative(&table, 1, GW_AUTH_ENTRY_REVOKED));
    assert_int_equal(find(&table, 1)->kind, GW_AUTH_ENTRY_REVOKED);
    assert_int_equal(table.live.count, 0);
    assert_int_equal(table.negative.count, 1);
    gw_auth_table_deinit(&table);
}

static void test_the_least_recently_put_leaves_first(void **state) {
    (void)state;
    struct gw_auth_table table;
    init_table(&table, 3, 1);
    for (uint32_t i = 0; i < 4; i++)
        assert_non_null(put_live(&table, i));
    assert_int_equal(table.live.count, 3);
    assert_null(find(&table, 0));
    for (uint32_t i = 1; i < 4; i++)
        assert_non_null(find(&table, i));
    gw_auth_table_deinit(&table);
}

static void test_used_entries_outlive_unused_ones(void **state) {
    (void)state;
    struct gw_auth_table table;
    init_table(&table, 100, 1);
    for (uint32_t i = 0; i < 100; i++)
        assert_non_null(put_live(&table, i));
    for (uint32_t i = 1000; i < 3000; i++) {
        for (uint32_t used = 0; used < 10; used++)
            assert_non_null(find(&table, used));
        assert_non_null(put_live(&table, i));
    }
    assert_int_equal(table.live.count, 100);
    gw_auth_table_deinit(&table);
}

static void test_room_is_made_when_all_entries_are_used(void **state) {
    (void)state;
    struct gw_auth_table table;
    init_table(&table, 4, 1);
    for (uint32_t i = 0; i < 4; i++)
        assert_non_null(put_live(&table, i));
    for (uint32_t i = 0; i < 4; i++)
        assert_non_null(find(&table, i));
    assert_non_null(put_live(&table, 4));
    assert_int_equal(table.live.count, 4);
    gw_auth_table_deinit(&table);
}

static void test_a_flood_of_absent_ones_evicts_no_live_one(void **state) {
    (void)state;
    struct gw_auth_table table;
    init_table(&table, 50, 20);
    for (uint32_t i = 0; i < 50; i++)
        assert_non_null(put_live(&table, i));
    for (uint32_t i = 1000; i < 11000; i++)
        assert_non_null(put_negative(&table, i, GW_AUTH_ENTRY_ABSENT));
    assert_int_equal(table.live.count, 50);
    assert_int_equal(table.negative.count, 20);
    for (uint32_t i = 0; i < 50; i++)
        assert_int_equal(find(&table, i)->kind, GW_AUTH_ENTRY_LIVE);
    gw_auth_table_deinit(&table);
}

static void test_without_a_budget_nothing_is_kept(void **state) {
    (void)state;
    struct gw_auth_table table;
    init_table(&table, 0, 0);
    assert_null(put_live(&table, 1));
    assert_null(put_negative(&table, 1, GW_AUTH_ENTRY_REVOKED));
    assert_null(find(&table, 1));
    assert_int_equal(table.live.count, 0);
    gw_auth_table_deinit(&table);
}

// What cannot be kept as revoked must at least not go on as live.
static void test_a_put_without_budget_still_removes_what_was_there(void **state) {
    (void)state;
    struct gw_auth_table table;
    init_table(&table, 5, 0);
    assert_non_null(put_live(&table, 1));
    assert_null(put_negative(&table, 1, GW_AUTH_ENTRY_REVOKED));
    assert_null(find(&table, 1));
    gw_auth_table_deinit(&table);
}

static void test_only_the_tokens_of_the_organisation_go(void **state) {
    (void)state;
    struct gw_auth_table table;
    unsigned char digest[DB_DIGEST_LENGTH];
    init_table(&table, 100, 100);
    for (uint32_t i = 0; i < 60; i++) {
        const struct db_token_row row = row_of(i % 3 == 0 ? "org1" : i % 3 == 1 ? "org2" : "org10");
        digest_of(i, digest);
        assert_non_null(gw_auth_table_put_live(&table, digest, &row));
    }
    assert_non_null(put_negative(&table, 1000, GW_AUTH_ENTRY_REVOKED));
    gw_auth_table_remove_org(&table, GW_STR("org1"));
    for (uint32_t i = 0; i < 60; i++)
        assert_int_equal(find(&table, i) != NULL, i % 3 != 0);
    assert_non_null(find(&table, 1000));
    gw_auth_table_deinit(&table);
}

// A rename: entries made before and after it each show the name of their time.
static void test_a_renamed_organisation_is_another_text(void **state) {
    (void)state;
    struct gw_auth_table table;
    struct db_token_row row = row_of("org1");
    struct db_token_row back;
    unsigned char digest[DB_DIGEST_LENGTH];
    init_table(&table, 10, 10);
    assert_non_null(put_live(&table, 1));
    row.org_name = GW_STR("Acme Incorporated");
    digest_of(2, digest);
    assert_non_null(gw_auth_table_put_live(&table, digest, &row));
    gw_auth_entry_row(find(&table, 1), &back);
    assert_true(gw_str_equal(back.org_name, GW_STR("Acme Corporation")));
    gw_auth_entry_row(find(&table, 2), &back);
    assert_true(gw_str_equal(back.org_name, GW_STR("Acme Incorporated")));
    gw_auth_table_remove_org(&table, GW_STR("org1"));
    assert_null(find(&table, 1));
    assert_null(find(&table, 2));
    assert_int_equal(table.live.count, 0);
    gw_auth_table_deinit(&table);
}

// The newest name leaves first, then the older one, and then it comes back.
static void test_names_of_an_organisation_leave_in_any_order(void **state) {
    (void)state;
    struct gw_auth_table table;
    struct db_token_row row = row_of("org1");
    struct db_token_row back;
    init_table(&table, 10, 10);
    size_t empty = table.bytes;
    assert_non_null(put_row(&table, 1, &row));
    row.org_name = GW_STR("Acme Incorporated");
    assert_non_null(put_row(&table, 2, &row));
    gw_auth_table_remove(&table, find(&table, 2));
    gw_auth_entry_row(find(&table, 1), &back);
    assert_true(gw_str_equal(back.org_name, GW_STR("Acme Corporation")));
    assert_non_null(put_row(&table, 3, &row));
    gw_auth_table_remove(&table, find(&table, 1));
    assert_ptr_equal(put_row(&table, 4, &row)->org, find(&table, 3)->org);
    gw_auth_table_remove(&table, find(&table, 4));
    gw_auth_entry_row(find(&table, 3), &back);
    assert_true(gw_str_equal(back.org_name, GW_STR("Acme Incorporated")));
    gw_auth_table_remove(&table, find(&table, 3));
    assert_int_equal(table.bytes, empty);
    gw_auth_table_deinit(&table);
}

static void test_clearing_keeps_the_revoked_ones_alone(void **state) {
    (void)state;
    struct gw_auth_table table;
    init_table(&table, 10, 10);
    assert_non_null(put_live(&table, 1));
    assert_non_null(put_negative(&table, 2, GW_AUTH_ENTRY_ABSENT));
    assert_non_null(put_negative(&table, 3, GW_AUTH_ENTRY_REVOKED));
    assert_non_null(put_negative(&table, 4, GW_AUTH_ENTRY_ENDED));
    find(&table, 3)->event_seq = 17;
    gw_auth_table_clear(&table);
    assert_null(find(&table, 4));
    assert_true(find(&table, 3)->event_seq == 0); // of a log that counts no more
    assert_null(find(&table, 1));
    assert_null(find(&table, 2));
    assert_int_equal(find(&table, 3)->kind, GW_AUTH_ENTRY_REVOKED);
    gw_auth_table_deinit(&table);
}

static void test_the_bytes_return_to_those_of_the_empty_table(void **state) {
    (void)state;
    struct gw_auth_table table;
    init_table(&table, 200, 100);
    size_t empty = table.bytes;
    for (uint32_t i = 0; i < 1000; i++) {
        assert_non_null(put_live(&table, i));
        assert_non_null(put_negative(&table, i + 5000, GW_AUTH_ENTRY_ABSENT));
    }
    assert_true(table.bytes > empty);
    gw_auth_table_clear(&table);
    assert_false(gw_auth_table_sweep(&table, 300));
    assert_int_equal(table.bytes, empty);
    gw_auth_table_deinit(&table);
}

// A change of the organisation takes the same few steps for one token and for ten thousand: its
// tokens are dead at once, and their memory is freed slice by slice.
static void test_many_entries_die_at_once_and_are_freed_in_slices(void **state) {
    (void)state;
    struct gw_auth_table table;
    struct db_token_row other = row_of("org2");
    init_table(&table, 20000, 10);
    for (uint32_t i = 0; i < 10000; i++) {
        assert_non_null(put_live(&table, i));
        assert_non_null(put_row(&table, 10000 + i, &other));
    }
    gw_auth_table_remove_org(&table, GW_STR("org1"));
    assert_int_equal(table.live.count, 20000); // nothing was freed yet
    assert_null(find(&table, 17));
    assert_int_equal(table.live.count, 19999);
    assert_non_null(find(&table, 10017));
    uint32_t count = table.live.count;
    int slices = 1;
    for (; gw_auth_table_sweep(&table, 100); slices++) {
        assert_in_range(count - table.live.count, 0, 100);
        count = table.live.count;
    }
    assert_in_range(slices, 199, 201);
    assert_int_equal(table.live.count, 10000);
    for (uint32_t i = 0; i < 10000; i++) {
        assert_null(find(&table, i));
        assert_non_null(find(&table, 10000 + i));
    }
    gw_auth_table_deinit(&table);
}

static void test_what_is_put_before_the_sweep_stays(void **state) {
    (void)state;
    struct gw_auth_table table;
    init_table(&table, 10, 10);
    assert_non_null(put_live(&table, 1));
    gw_auth_table_remove_org(&table, GW_STR("org1"));
    assert_non_null(put_live(&table, 1));
    assert_non_null(put_negative(&table, 2, GW_AUTH_ENTRY_ABSENT));
    assert_false(gw_auth_table_sweep(&table, 100));
    assert_non_null(find(&table, 1));
    assert_non_null(find(&table, 2));
    gw_auth_table_clear(&table);
    assert_non_null(put_live(&table, 1));
    assert_non_null(put_negative(&table, 2, GW_AUTH_ENTRY_ENDED));
    assert_false(gw_auth_table_sweep(&table, 100));
    assert_non_null(find(&table, 1));
    assert_non_null(find(&table, 2));
    gw_auth_table_deinit(&table);
}

// A clear outdates the organisation's text, and a removal after it all of its versions.
static void test_an_organisation_is_removed_under_each_of_its_names(void **state) {
    (void)state;
    struct gw_auth_table table;
    struct db_token_row row = row_of("org1");
    init_table(&table, 10, 10);
    size_t empty = table.bytes;
    assert_non_null(put_row(&table, 1, &row));
    gw_auth_table_clear(&table);
    assert_non_null(put_row(&table, 2, &row));
    row.org_slug = GW_STR("acme-2");
    assert_non_null(put_row(&table, 3, &row));
    row.org_slug = GW_STR("acme-3");
    assert_non_null(put_row(&table, 4, &row));
    gw_auth_table_remove(&table, find(&table, 4)); // the newest name has no entry left
    assert_non_null(find(&table, 2));
    gw_auth_table_remove_org(&table, GW_STR("org1"));
    for (uint32_t i = 1; i < 5; i++)
        assert_null(find(&table, i));
    assert_int_equal(table.bytes, empty);
    gw_auth_table_deinit(&table);
}

static void test_dead_entries_make_room_first_whether_they_were_used_or_not(void **state) {
    (void)state;
    struct gw_auth_table table;
    struct db_token_row other = row_of("org2");
    init_table(&table, 4, 1);
    for (uint32_t i = 0; i < 4; i++) {
        assert_non_null(put_live(&table, i));
        assert_non_null(find(&table, i));
    }
    gw_auth_table_remove_org(&table, GW_STR("org1"));
    for (uint32_t i = 10; i < 14; i++)
        assert_non_null(put_row(&table, i, &other));
    for (uint32_t i = 10; i < 14; i++)
        assert_non_null(find(&table, i));
    gw_auth_table_deinit(&table);
}

static uint32_t count_used(const struct gw_auth_table *table) {
    uint32_t used = 0;
    const struct gw_list *node = table->live.turns.next;
    for (; node != &table->live.turns; node = node->next)
        used += gw_container_of(node, struct gw_auth_entry, turn)->was_used;
    return used;
}

static void test_the_hand_passes_few_entries_for_one(void **state) {
    (void)state;
    struct gw_auth_table table;
    init_table(&table, 10000, 1);
    for (uint32_t i = 0; i < 10000; i++) {
        assert_non_null(put_live(&table, i));
        assert_non_null(find(&table, i));
    }
    assert_non_null(put_live(&table, 10000));
    assert_int_equal(table.live.count, 10000);
    assert_in_range(count_used(&table), 9900, 9999);
    gw_auth_table_deinit(&table);
}

static size_t bytes_per_live_entry(uint32_t count) {
    struct gw_auth_table table;
    init_table(&table, count, 0);
    for (uint32_t i = 0; i < count; i++)
        assert_non_null(put_live(&table, i * 2654435761U));
    assert_int_equal(table.live.count, count);
    size_t bytes = table.bytes + (size_t)count * MALLOC_OVERHEAD_BYTES;
    gw_auth_table_deinit(&table);
    return (bytes + count - 1) / count;
}

// Buckets and organisation included, at the best and at the worst filling of the buckets.
static void test_a_live_entry_takes_less_than_200_bytes(void **state) {
    (void)state;
    size_t best = bytes_per_live_entry(1 << 14);
    size_t worst = bytes_per_live_entry((1 << 13) + 1);
    print_message("bytes per live entry: %zu to %zu\n", best, worst);
    assert_true(best < 200);
    assert_true(worst < 200);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_comes_back_as_it_was_put),
        cmocka_unit_test(test_the_longest_row_comes_back_whole),
        cmocka_unit_test(test_addresses_come_back_and_cost_nothing_where_there_are_none),
        cmocka_unit_test(test_a_binding_comes_back_and_costs_nothing_where_there_is_none),
        cmocka_unit_test(test_a_put_takes_the_place_of_what_was_there),
        cmocka_unit_test(test_the_least_recently_put_leaves_first),
        cmocka_unit_test(test_used_entries_outlive_unused_ones),
        cmocka_unit_test(test_room_is_made_when_all_entries_are_used),
        cmocka_unit_test(test_a_flood_of_absent_ones_evicts_no_live_one),
        cmocka_unit_test(test_without_a_budget_nothing_is_kept),
        cmocka_unit_test(test_a_put_without_budget_still_removes_what_was_there),
        cmocka_unit_test(test_only_the_tokens_of_the_organisation_go),
        cmocka_unit_test(test_a_renamed_organisation_is_another_text),
        cmocka_unit_test(test_names_of_an_organisation_leave_in_any_order),
        cmocka_unit_test(test_clearing_keeps_the_revoked_ones_alone),
        cmocka_unit_test(test_the_bytes_return_to_those_of_the_empty_table),
        cmocka_unit_test(test_many_entries_die_at_once_and_are_freed_in_slices),
        cmocka_unit_test(test_what_is_put_before_the_sweep_stays),
        cmocka_unit_test(test_an_organisation_is_removed_under_each_of_its_names),
        cmocka_unit_test(test_dead_entries_make_room_first_whether_they_were_used_or_not),
        cmocka_unit_test(test_the_hand_passes_few_entries_for_one),
        cmocka_unit_test(test_a_live_entry_takes_less_than_200_bytes),
    };
    return cmocka_run_group_tests_name("gateway/auth_table", tests, NULL, NULL);
}
