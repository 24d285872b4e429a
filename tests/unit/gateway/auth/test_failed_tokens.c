// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "gateway/auth/failed_tokens.h"

#define LIMIT 6 // a minute: one in ten seconds
#define NOW_MS 1000000U

static struct gw_metrics metrics;

static int set_up(void **state) {
    struct gw_failed_tokens *failed = NULL;
    enum gw_status status = gw_failed_tokens_create(LIMIT, &metrics, &failed);
    *state = failed;
    return status == GW_OK ? 0 : -1;
}

static int tear_down(void **state) {
    gw_failed_tokens_destroy(*state);
    return 0;
}

static struct gw_client client_at(const char *address) {
    struct gw_ip ip;
    assert_int_equal(gw_ip_parse(gw_str_from(address), &ip), GW_OK);
    return gw_client_at(&ip);
}

// What is given back at the same moment was never charged.
static uint64_t wait_s_of(struct gw_failed_tokens *failed, const struct gw_client *client,
                          uint64_t now_ms) {
    uint64_t wait = gw_failed_tokens_charge(failed, client, now_ms);
    if (wait == 0)
        gw_failed_tokens_give_back(failed, client, now_ms);
    return wait;
}

static uint64_t wait_s(struct gw_failed_tokens *failed, const char *address, uint64_t now_ms) {
    struct gw_client client = client_at(address);
    return wait_s_of(failed, &client, now_ms);
}

static void note(struct gw_failed_tokens *failed, const char *address, int count, uint64_t now_ms) {
    struct gw_client client = client_at(address);
    while (count-- > 0)
        (void)gw_failed_tokens_charge(failed, &client, now_ms);
}

static void test_an_address_has_its_budget_and_waits_when_it_is_spent(void **state) {
    struct gw_failed_tokens *failed = *state;
    note(failed, "192.0.2.1", LIMIT - 1, NOW_MS);
    assert_int_equal(wait_s(failed, "192.0.2.1", NOW_MS), 0);
    note(failed, "192.0.2.1", 1, NOW_MS);
    assert_int_equal(wait_s(failed, "192.0.2.1", NOW_MS), 10);
    assert_int_equal(wait_s(failed, "192.0.2.1", NOW_MS + 9001), 1);
    assert_int_equal(wait_s(failed, "192.0.2.1", NOW_MS + 10000), 0);
    assert_int_equal(wait_s(failed, "192.0.2.2", NOW_MS), 0);
}

static void test_what_comes_over_the_budget_does_not_prolong_it(void **state) {
    struct gw_failed_tokens *failed = *state;
    note(failed, "192.0.2.1", 100 * LIMIT, NOW_MS);
    assert_int_equal(wait_s(failed, "192.0.2.1", NOW_MS), 10);
    assert_int_equal(wait_s(failed, "192.0.2.1", NOW_MS + 10000), 0);
}

static void test_an_ipv6_network_is_one_client(void **state) {
    struct gw_failed_tokens *failed = *state;
    note(failed, "2001:db8:1:2::1", LIMIT, NOW_MS);
    assert_int_equal(wait_s(failed, "2001:db8:1:2:ffff::9", NOW_MS), 10);
    assert_int_equal(wait_s(failed, "2001:db8:1:3::1", NOW_MS), 0);
    note(failed, "::ffff:192.0.2.1", LIMIT, NOW_MS);
    assert_int_equal(wait_s(failed, "192.0.2.1", NOW_MS), 10);
    assert_int_equal(wait_s(failed, "192.0.2.2", NOW_MS), 0);
}

// The /64 of that number, of one /48.
static const char *in_site(unsigned number) {
    static char address[GW_IP_TEXT_BYTES_MAX];
    (void)snprintf(address, sizeof(address), "2001:db8:1:%x::1", number);
    return address;
}

static void test_a_site_has_a_budget_of_its_own_over_all_its_networks(void **state) {
    struct gw_failed_tokens *failed = *state;
    for (unsigned i = 0; i < GW_FAILED_TOKENS_SITE_TIMES; i++) {
        assert_int_equal(wait_s(failed, in_site(i), NOW_MS), 0);
        note(failed, in_site(i), LIMIT, NOW_MS);
    }
    // None of the 65,526 others has one left: of 60 a minute, one comes back in a second.
    assert_int_equal(wait_s(failed, in_site(0xffff), NOW_MS), 1);
    assert_int_equal(wait_s(failed, in_site(0xffff), NOW_MS + 1000), 0);
    assert_int_equal(wait_s(failed, in_site(0), NOW_MS), 10);
    assert_int_equal(wait_s(failed, "2001:db8:2::1", NOW_MS), 0);
    assert_int_equal(wait_s(failed, "192.0.2.1", NOW_MS), 0);
}

static void test_one_network_alone_uses_up_its_part_of_the_site_and_no_more(void **state) {
    struct gw_failed_tokens *failed = *state;
    note(failed, in_site(1), 100 * LIMIT * GW_FAILED_TOKENS_SITE_TIMES, NOW_MS);
    assert_int_equal(wait_s(failed, in_site(1), NOW_MS), 10);
    for (unsigned i = 2; i <= GW_FAILED_TOKENS_SITE_TIMES; i++) {
        note(failed, in_site(i), LIMIT - 1, NOW_MS);
        assert_int_equal(wait_s(failed, in_site(i), NOW_MS), 0);
    }
}

// 65,536 networks, one token each: a site gets through what is its own, and not what each of them
// alone would.
static void test_a_site_that_turns_through_its_networks_is_bounded(void **state) {
    struct gw_failed_tokens *failed = *state;
    unsigned tried = 0;
    for (unsigned i = 0; i < 0x10000; i++) {
        if (wait_s(failed, in_site(i), NOW_MS) > 0)
            continue;
        note(failed, in_site(i), 1, NOW_MS);
        tried++;
    }
    assert_int_equal(tried, LIMIT * GW_FAILED_TOKENS_SITE_TIMES);
}

static void test_of_ipv4_each_address_has_its_budget_and_nothing_else(void **state) {
    struct gw_failed_tokens *failed = *state;
    char address[GW_IP_TEXT_BYTES_MAX];
    for (int i = 0; i < 20 * GW_FAILED_TOKENS_SITE_TIMES; i++) {
        (void)snprintf(address, sizeof(address), "192.0.2.%d", i);
        note(failed, address, LIMIT - 1, NOW_MS);
        assert_int_equal(wait_s(failed, address, NOW_MS), 0);
    }
}

static void test_unknown_clients_have_one_budget_of_their_own(void **state) {
    struct gw_failed_tokens *failed = *state;
    struct gw_client unknown = gw_client_unknown();
    for (int i = 0; i < LIMIT; i++)
        assert_int_equal(gw_failed_tokens_charge(failed, &unknown, NOW_MS), 0);
    assert_int_equal(wait_s_of(failed, &unknown, NOW_MS), 10);
    assert_int_equal(wait_s_of(failed, &unknown, NOW_MS + 10000), 0);
    static const char *const addresses[] = {"192.0.2.1", "0.0.0.0", "::", "::1"};
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
        assert_int_equal(wait_s(failed, addresses[i], NOW_MS), 0);
}

static void test_addresses_use_up_nothing_of_unknown_clients(void **state) {
    struct gw_failed_tokens *failed = *state;
    struct gw_client unknown = gw_client_unknown();
    note(failed, "192.0.2.1", LIMIT, NOW_MS);
    note(failed, "::", LIMIT, NOW_MS);
    assert_int_equal(wait_s_of(failed, &unknown, NOW_MS), 0);
}

static void give_back(struct gw_failed_tokens *failed, const char *address, int count,
                      uint64_t now_ms) {
    struct gw_client client = client_at(address);
    while (count-- > 0)
        gw_failed_tokens_give_back(failed, &client, now_ms);
}

// Of tries at the same time as many as are charged are left out until some turn out to be good.
static void test_a_charge_that_goes_back_is_there_for_another_token(void **state) {
    struct gw_failed_tokens *failed = *state;
    note(failed, "192.0.2.1", LIMIT, NOW_MS);
    assert_int_equal(wait_s(failed, "192.0.2.1", NOW_MS), 10);
    give_back(failed, "192.0.2.1", 2, NOW_MS);
    note(failed, "192.0.2.1", 1, NOW_MS);
    assert_int_equal(wait_s(failed, "192.0.2.1", NOW_MS), 0);
    note(failed, "192.0.2.1", 1, NOW_MS);
    assert_int_equal(wait_s(failed, "192.0.2.1", NOW_MS), 10);
}

static void test_a_charge_goes_back_to_the_site_too(void **state) {
    struct gw_failed_tokens *failed = *state;
    for (unsigned i = 0; i < GW_FAILED_TOKENS_SITE_TIMES; i++)
        note(failed, in_site(i), LIMIT, NOW_MS);
    assert_int_equal(wait_s(failed, in_site(100), NOW_MS), 1);
    give_back(failed, in_site(1), 1, NOW_MS);
    assert_int_equal(wait_s(failed, in_site(100), NOW_MS), 0);
}

// Nobody gains a budget by it.
static void test_more_than_was_charged_does_not_go_back(void **state) {
    struct gw_failed_tokens *failed = *state;
    note(failed, "192.0.2.1", 1, NOW_MS);
    give_back(failed, "192.0.2.1", 5, NOW_MS);
    give_back(failed, "192.0.2.2", 5, NOW_MS);
    note(failed, "192.0.2.1", LIMIT, NOW_MS);
    note(failed, "192.0.2.2", LIMIT, NOW_MS);
    assert_int_equal(wait_s(failed, "192.0.2.1", NOW_MS), 10);
    assert_int_equal(wait_s(failed, "192.0.2.2", NOW_MS), 10);
    give_back(failed, "192.0.2.1", 1, NOW_MS + 60000); // it has come back by itself
    note(failed, "192.0.2.1", LIMIT, NOW_MS + 60000);
    assert_int_equal(wait_s(failed, "192.0.2.1", NOW_MS + 60000), 10);
}

// A client that is over its own budget uses up nothing of its site's.
static void test_a_try_that_is_not_allowed_charges_nobody(void **state) {
    struct gw_failed_tokens *failed = *state;
    note(failed, in_site(0), 100 * LIMIT, NOW_MS);
    for (unsigned i = 1; i < GW_FAILED_TOKENS_SITE_TIMES; i++)
        note(failed, in_site(i), LIMIT, NOW_MS);
    assert_int_equal(wait_s(failed, in_site(100), NOW_MS), 1); // the site's is spent, to the last
    note(failed, in_site(100), 100, NOW_MS);
    assert_int_equal(wait_s(failed, in_site(100), NOW_MS + 1000), 0);
}

static void test_without_a_limit_nobody_waits(void **state) {
    (void)state;
    note(NULL, "192.0.2.1", 100, NOW_MS);
    assert_int_equal(wait_s(NULL, "192.0.2.1", NOW_MS), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_an_address_has_its_budget_and_waits_when_it_is_spent),
        TEST(test_what_comes_over_the_budget_does_not_prolong_it),
        TEST(test_an_ipv6_network_is_one_client),
        TEST(test_a_site_has_a_budget_of_its_own_over_all_its_networks),
        TEST(test_one_network_alone_uses_up_its_part_of_the_site_and_no_more),
        TEST(test_a_site_that_turns_through_its_networks_is_bounded),
        TEST(test_of_ipv4_each_address_has_its_budget_and_nothing_else),
        TEST(test_unknown_clients_have_one_budget_of_their_own),
        TEST(test_addresses_use_up_nothing_of_unknown_clients),
        TEST(test_a_charge_that_goes_back_is_there_for_another_token),
        TEST(test_a_charge_goes_back_to_the_site_too),
        TEST(test_more_than_was_charged_does_not_go_back),
        TEST(test_a_try_that_is_not_allowed_charges_nobody),
        TEST(test_without_a_limit_nobody_waits),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
