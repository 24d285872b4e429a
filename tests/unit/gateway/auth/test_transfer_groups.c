// SPDX-License-Identifier: MIT
// Where the groups of gateway/auth/transfers.h are kept and found.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/auth/transfer_groups.h"
#include "gateway/exchange/exchange.h"

#define MANY 5000

static int set_up(void **state) {
    struct gw_transfer_groups *groups = test_malloc(sizeof(*groups));
    *state = groups;
    return gw_transfer_groups_init(groups) == GW_OK ? 0 : -1;
}

static int tear_down(void **state) {
    gw_transfer_groups_deinit(*state);
    test_free(*state);
    return 0;
}

static void digest_of(int token, unsigned char digest[DB_DIGEST_LENGTH]) {
    memset(digest, 0x5a, DB_DIGEST_LENGTH);
    memcpy(digest, &token, sizeof(token));
}

static struct gw_transfer_group *acquire(struct gw_transfer_groups *groups, int token,
                                         const char *id, const char *org_id) {
    unsigned char digest[DB_DIGEST_LENGTH];
    const struct gw_exchange exchange = {.has_identity = true,
                                         .token_digest = digest,
                                         .identity = {.id = gw_str_from(id),
                                                      .prefix = GW_STR("sr_live_abcd"),
                                                      .org_id = gw_str_from(org_id)}};
    digest_of(token, digest);
    struct gw_transfer_group *group = gw_transfer_groups_acquire(groups, &exchange);
    assert_non_null(group);
    return group;
}

static struct gw_transfer_group *find(struct gw_transfer_groups *groups, int token) {
    unsigned char digest[DB_DIGEST_LENGTH];
    digest_of(token, digest);
    return gw_transfer_groups_find(groups, digest);
}

static void test_a_token_has_one_group_for_as_long_as_it_has_any(void **state) {
    struct gw_transfer_group *group = acquire(*state, 1, "cl1", "clorg");
    assert_true(gw_transfer_group_is_empty(group));
    assert_ptr_equal(acquire(*state, 1, "cl1", "clorg"), group);
    assert_ptr_equal(find(*state, 1), group);
    assert_null(find(*state, 2));
    assert_memory_equal(group->question.prefix, "sr_live_abcd", GW_TOKEN_PREFIX_LENGTH);
    assert_memory_equal(group->id, "cl1", group->id_length);
    assert_int_equal(group->expires_ms, DB_NO_TIME);
    gw_transfer_groups_free(*state, group);
    assert_null(find(*state, 1));
}

// All but the first four bytes are the same in all of them.
static void test_many_tokens_are_told_apart(void **state) {
    static struct gw_transfer_group *made[MANY];
    for (int i = 0; i < MANY; i++)
        made[i] = acquire(*state, i, "cl1", "clorg");
    for (int i = 0; i < MANY; i++)
        assert_ptr_equal(find(*state, i), made[i]);
    for (int i = 0; i < MANY; i += 2)
        gw_transfer_groups_free(*state, made[i]);
    for (int i = 0; i < MANY; i++)
        assert_ptr_equal(find(*state, i), i % 2 == 0 ? NULL : made[i]);
    for (int i = 1; i < MANY; i += 2)
        gw_transfer_groups_free(*state, made[i]);
}

static void test_the_tokens_of_an_organisation_stand_on_one_shelf(void **state) {
    struct gw_transfer_group *made[3];
    for (int i = 0; i < 3; i++)
        made[i] = acquire(*state, i, "cl1", i < 2 ? "clorg" : "clother");
    struct gw_transfer_shelf *shelf = gw_transfer_groups_shelf(*state, GW_STR("clorg"));
    assert_ptr_equal(shelf->groups.next, &made[0]->shelf_link);
    assert_ptr_equal(shelf->groups.previous, &made[1]->shelf_link);
    assert_ptr_equal(made[0]->shelf_link.next, &made[1]->shelf_link);
    assert_ptr_not_equal(gw_transfer_groups_shelf(*state, GW_STR("clother")), shelf);
    for (int i = 0; i < 3; i++)
        gw_transfer_groups_free(*state, made[i]);
    assert_true(gw_list_is_empty(&shelf->groups));
}

// Else news of one would be news of all.
static void test_organisations_are_spread_over_the_shelves(void **state) {
    struct gw_transfer_groups *groups = *state;
    static int counts[GW_TRANSFER_SHELVES];
    char id[32];
    memset(counts, 0, sizeof(counts));
    for (int i = 0; i < 16 * GW_TRANSFER_SHELVES; i++) {
        (void)snprintf(id, sizeof(id), "clmwtuumiey4q1xue6b%05d", i);
        counts[gw_transfer_groups_shelf(groups, gw_str_from(id)) - groups->shelves]++;
    }
    for (int i = 0; i < GW_TRANSFER_SHELVES; i++)
        assert_true(counts[i] > 0 && counts[i] < 64);
}

static void test_an_id_that_no_database_should_hold_is_cut(void **state) {
    struct gw_transfer_group *group =
        acquire(*state, 1, "cl34567890123456789012345678901234567890", "clorg");
    assert_int_equal(group->id_length, DB_ID_LENGTH_MAX);
    gw_transfer_groups_free(*state, group);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_token_has_one_group_for_as_long_as_it_has_any),
        TEST(test_many_tokens_are_told_apart),
        TEST(test_the_tokens_of_an_organisation_stand_on_one_shelf),
        TEST(test_organisations_are_spread_over_the_shelves),
        TEST(test_an_id_that_no_database_should_hold_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
