// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/settings/trusted_proxies.h"

static bool contains(const struct gw_trusted_proxies *proxies, const char *text) {
    struct gw_ip ip;
    assert_int_equal(gw_ip_parse(gw_str_from(text), &ip), GW_OK);
    return gw_trusted_proxies_contain(proxies, &ip);
}

static void test_nobody_is_trusted_by_default(void **state) {
    (void)state;
    struct gw_trusted_proxies proxies = {.count = 7};
    assert_int_equal(gw_trusted_proxies_parse(GW_STR(""), &proxies), GW_OK);
    assert_int_equal(proxies.count, 0);
    assert_false(contains(&proxies, "127.0.0.1"));
    assert_false(contains(&proxies, "::1"));
}

static void test_every_range_of_the_list_is_trusted(void **state) {
    (void)state;
    struct gw_trusted_proxies proxies;
    assert_int_equal(
        gw_trusted_proxies_parse(GW_STR("10.0.0.0/8, 192.0.2.1 ,2001:db8::/32"), &proxies), GW_OK);
    assert_int_equal(proxies.count, 3);
    assert_true(contains(&proxies, "10.255.0.1"));
    assert_true(contains(&proxies, "::ffff:192.0.2.1"));
    assert_true(contains(&proxies, "2001:db8:1::1"));
    assert_false(contains(&proxies, "192.0.2.2"));
    assert_false(contains(&proxies, "::1"));
}

static void test_a_list_with_a_mistake_changes_nothing(void **state) {
    (void)state;
    static const char *const lists[] = {",",
                                        "10.0.0.0/8,",
                                        ",10.0.0.0/8",
                                        "10.0.0.0/8 192.0.2.1",
                                        "10.0.0.0/8,localhost",
                                        "10.0.0.1/8",
                                        "10.0.0.0/8;::1"};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct gw_trusted_proxies proxies = {.count = 7};
        assert_int_equal(gw_trusted_proxies_parse(gw_str_from(lists[i]), &proxies), GW_INVALID);
        assert_int_equal(proxies.count, 7);
    }
}

static void test_a_list_is_bounded(void **state) {
    (void)state;
    char list[4 * (GW_TRUSTED_PROXIES_MAX + 1)];
    struct gw_trusted_proxies proxies;
    for (size_t i = 0; i < sizeof(list); i += 4)
        memcpy(list + i, "::1,", 4);
    assert_int_equal(gw_trusted_proxies_parse(gw_str(list, sizeof(list) - 5), &proxies), GW_OK);
    assert_int_equal(proxies.count, GW_TRUSTED_PROXIES_MAX);
    assert_int_equal(gw_trusted_proxies_parse(gw_str(list, sizeof(list) - 1), &proxies),
                     GW_TOO_BIG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_is_trusted_by_default),
        cmocka_unit_test(test_every_range_of_the_list_is_trusted),
        cmocka_unit_test(test_a_list_with_a_mistake_changes_nothing),
        cmocka_unit_test(test_a_list_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
