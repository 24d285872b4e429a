// SPDX-License-Identifier: MIT
// Which parts of the room there are, by the settings. That they open and close on a loop with a
// database is shown end to end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/auth/auth.h"
#include "gateway/exchange/services.h"

static void test_memory_decides_for_the_longest_of_three_times(void **state) {
    (void)state;
    const struct gw_config by_lease = {
        .freshness_lease_ms = 30, .stale_read_ms = 20, .stale_write_ms = 10};
    const struct gw_config by_read = {
        .freshness_lease_ms = 20, .stale_read_ms = 30, .stale_write_ms = 10};
    const struct gw_config by_write = {
        .freshness_lease_ms = 10, .stale_read_ms = 20, .stale_write_ms = 30};
    assert_int_equal(gw_auth_memory_ms(&by_lease), 30);
    assert_int_equal(gw_auth_memory_ms(&by_read), 30);
    assert_int_equal(gw_auth_memory_ms(&by_write), 30);
}

static void test_there_are_limits_where_the_settings_have_some(void **state) {
    (void)state;
    struct gw_metrics metrics = {.requests_total = 0};
    struct gw_config config = {.failed_token_limit = 0};
    const struct gw_services services = {.config = &config, .metrics = &metrics};
    struct gw_auth without = {.cache = NULL};
    struct gw_auth with = {.cache = NULL};
    assert_int_equal(gw_auth_open_limits(&without, &services), GW_OK);
    assert_null(without.failed_tokens);
    assert_null(without.rate_limit);
    config.failed_token_limit = 5;
    config.org_rate_limit = (struct gw_rate){.count = 1, .period_s = 1, .burst = 1};
    assert_int_equal(gw_auth_open_limits(&with, &services), GW_OK);
    assert_non_null(with.failed_tokens);
    assert_non_null(with.rate_limit);
    gw_auth_close(&with); // what was not opened needs no closing
    gw_auth_destroy(&with);
    gw_auth_destroy(&without);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_decides_for_the_longest_of_three_times),
        cmocka_unit_test(test_there_are_limits_where_the_settings_have_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
