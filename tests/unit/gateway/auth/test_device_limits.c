// SPDX-License-Identifier: MIT
// Proves of gateway/auth/device_limits.c: each step has a budget of its own, for each address.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/auth/device_limits.h"

#define NOW_MS 1000000

static struct gw_client client_at(const char *address) {
    struct gw_ip ip;
    assert_int_equal(gw_ip_parse(gw_str_from(address), &ip), GW_OK);
    return gw_client_at(&ip);
}

static void test_each_step_has_a_budget_for_each_address(void **state) {
    (void)state;
    struct gw_metrics metrics = {0};
    struct gw_device_limits *limits;
    struct gw_client client = client_at("192.0.2.1");
    struct gw_client other = client_at("192.0.2.2");
    assert_int_equal(gw_device_limits_create(&metrics, &limits), GW_OK);
    for (int i = 0; i < GW_DEVICE_STARTS_PER_MINUTE; i++)
        assert_int_equal(gw_device_limits_charge(limits, GW_DEVICE_START, &client, NOW_MS), 0);
    assert_int_equal(gw_device_limits_charge(limits, GW_DEVICE_START, &client, NOW_MS), 2);
    assert_int_equal(gw_device_limits_charge(limits, GW_DEVICE_START, &other, NOW_MS), 0);
    assert_int_equal(gw_device_limits_charge(limits, GW_DEVICE_GUESS, &client, NOW_MS), 0);
    assert_int_equal(gw_device_limits_charge(limits, GW_DEVICE_POLL, &client, NOW_MS), 0);
    assert_int_equal(gw_device_limits_charge(limits, GW_DEVICE_START, &client, NOW_MS + 2000), 0);
    gw_device_limits_destroy(limits);
}

static void test_a_good_guess_costs_nothing(void **state) {
    (void)state;
    struct gw_metrics metrics = {0};
    struct gw_device_limits *limits;
    struct gw_client client = gw_client_unknown();
    assert_int_equal(gw_device_limits_create(&metrics, &limits), GW_OK);
    for (int i = 0; i < 3 * GW_DEVICE_GUESSES_PER_MINUTE; i++) {
        assert_int_equal(gw_device_limits_charge(limits, GW_DEVICE_GUESS, &client, NOW_MS), 0);
        gw_device_limits_give_back(limits, GW_DEVICE_GUESS, &client, NOW_MS);
    }
    for (int i = 0; i < GW_DEVICE_GUESSES_PER_MINUTE; i++)
        assert_int_equal(gw_device_limits_charge(limits, GW_DEVICE_GUESS, &client, NOW_MS), 0);
    assert_int_not_equal(gw_device_limits_charge(limits, GW_DEVICE_GUESS, &client, NOW_MS), 0);
    gw_device_limits_destroy(limits);
    gw_device_limits_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_step_has_a_budget_for_each_address),
        cmocka_unit_test(test_a_good_guess_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
