// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/upstream/no_proxy.h"

static bool has(const char *list, const char *origin) {
    struct gw_upstream_url url;
    const char *problem = NULL;
    assert_int_equal(gw_upstream_url_parse(gw_str_from(origin), &url, &problem), GW_OK);
    return gw_no_proxy_has(gw_str_from(list), &url);
}

static void test_names_and_what_is_below_them(void **state) {
    (void)state;
    assert_true(has("example.com", "https://example.com"));
    assert_true(has("example.com", "https://a.b.example.com:8443"));
    assert_true(has(".example.com", "https://a.example.com"));
    assert_true(has(".example.com", "https://example.com"));
    assert_true(has("EXAMPLE.com", "https://Example.COM"));
    assert_false(has("example.com", "https://anexample.com"));
    assert_false(has("example.com", "https://example.com.evil.test"));
    assert_false(has("a.example.com", "https://example.com"));
    assert_false(has(".", "https://example.com"));
    assert_false(has("com:", "https://example.com"));
}

static void test_a_port_is_compared(void **state) {
    (void)state;
    assert_true(has("example.com:443", "https://example.com"));
    assert_false(has("example.com:8443", "https://example.com"));
    assert_true(has("10.1.2.3:8443", "https://10.1.2.3:8443"));
    assert_false(has("10.1.2.3:8443", "https://10.1.2.3"));
    assert_true(has("[2001:db8::1]:8443", "https://[2001:db8::1]:8443"));
    assert_false(has("example.com:99999", "https://example.com"));
}

static void test_addresses_and_ranges(void **state) {
    (void)state;
    assert_true(has("10.0.0.0/8", "https://10.20.30.40"));
    assert_false(has("10.0.0.0/8", "https://11.20.30.40"));
    assert_true(has("127.0.0.1", "https://127.0.0.1:1"));
    assert_true(has("2001:db8::/32", "https://[2001:db8::1]"));
    assert_true(has("::1", "https://[::1]"));
    assert_true(has("[::1]", "https://[::1]"));
    assert_false(has("10.0.0.0/8", "https://ten.example.com"));
    assert_false(has("0.0.1", "https://127.0.0.1"));
    assert_false(has("10.0.0.1/8", "https://10.20.30.40"));
}

static void test_lists(void **state) {
    (void)state;
    assert_false(has("", "https://example.com"));
    assert_false(has(" , ,", "https://example.com"));
    assert_true(has("localhost, 10.0.0.0/8,example.com", "https://example.com"));
    assert_true(has("localhost example.com", "https://example.com"));
    assert_true(has("*", "https://example.com"));
    assert_true(has("a, *", "https://[::1]:1"));
    assert_false(has("*.example.com", "https://a.example.com"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_what_is_below_them),
        cmocka_unit_test(test_a_port_is_compared),
        cmocka_unit_test(test_addresses_and_ranges),
        cmocka_unit_test(test_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
