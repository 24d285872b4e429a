// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/http/client.h"

static struct gw_client client_at(const char *text) {
    struct gw_ip ip;
    assert_int_equal(gw_ip_parse(gw_str_from(text), &ip), GW_OK);
    return gw_client_at(&ip);
}

static struct gw_ip_range range_of(const char *text) {
    struct gw_ip_range range;
    assert_int_equal(gw_ip_range_parse(gw_str_from(text), &range), GW_OK);
    return range;
}

static void assert_text(struct gw_str text, const char *expected) {
    if (!gw_str_equal(text, gw_str_from(expected)))
        fail_msg("%.*s instead of %s", GW_STR_ARG(text), expected);
}

static void test_a_known_client_is_its_address(void **state) {
    (void)state;
    struct gw_client client = client_at("::ffff:192.0.2.1");
    assert_text(gw_client_address(&client), "192.0.2.1");
    assert_text(gw_client_name(&client), "192.0.2.1");
    client = client_at("2001:DB8:0:0:0:0:0:1");
    assert_text(gw_client_name(&client), "2001:db8::1");
}

static void test_the_longest_address_has_room(void **state) {
    (void)state;
    struct gw_client client = client_at("2001:db8:1111:2222:3333:4444:5555:6666");
    assert_text(gw_client_address(&client), "2001:db8:1111:2222:3333:4444:5555:6666");
}

static void test_a_known_client_is_in_the_lists_that_have_its_address(void **state) {
    (void)state;
    const struct gw_ip_range ranges[] = {range_of("10.0.0.0/8"), range_of("2001:db8::/32")};
    struct gw_client client = client_at("10.1.2.3");
    assert_true(gw_client_is_in(&client, ranges, 2));
    assert_false(gw_client_is_in(&client, ranges + 1, 1));
    assert_false(gw_client_is_in(&client, ranges, 0));
    client = client_at("2001:db8::1");
    assert_true(gw_client_is_in(&client, ranges, 2));
}

static void test_an_unknown_client_has_no_address_and_is_in_no_list(void **state) {
    (void)state;
    const struct gw_ip_range everything[] = {range_of("0.0.0.0/0"), range_of("::/0")};
    struct gw_client client = gw_client_unknown();
    assert_null(gw_client_address(&client).at);
    assert_text(gw_client_name(&client), "unknown");
    assert_false(gw_client_is_in(&client, everything, 2));
}

// An exchange begins as zeros.
static void test_nothing_said_is_unknown(void **state) {
    (void)state;
    static const struct gw_client zeros;
    assert_text(gw_client_name(&zeros), "unknown");
}

static void test_only_a_known_client_has_a_key(void **state) {
    (void)state;
    struct gw_client client = client_at("2001:db8:1:2::1");
    uint64_t key = 0;
    assert_true(gw_client_key(&client, &key));
    assert_true(key == 0x20010db800010002);
    assert_true(gw_client_site_key(&client, &key));
    assert_true(key == 0x20010db80001);
    client = client_at("192.0.2.1");
    assert_true(gw_client_key(&client, &key));
    assert_false(gw_client_site_key(&client, &key));
    client = gw_client_unknown();
    assert_false(gw_client_key(&client, &key));
    assert_false(gw_client_site_key(&client, &key));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_known_client_is_its_address),
        cmocka_unit_test(test_the_longest_address_has_room),
        cmocka_unit_test(test_a_known_client_is_in_the_lists_that_have_its_address),
        cmocka_unit_test(test_an_unknown_client_has_no_address_and_is_in_no_list),
        cmocka_unit_test(test_nothing_said_is_unknown),
        cmocka_unit_test(test_only_a_known_client_has_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
