// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/host_port.h"

// `port` NULL: there is no colon.
static void assert_split(const char *text, const char *host, const char *port, bool is_bracketed) {
    struct gw_host_port parts;
    assert_int_equal(gw_host_port_split(gw_str_from(text), &parts), GW_OK);
    assert_true(gw_str_equal(parts.host, gw_str_from(host)));
    assert_int_equal(parts.port.at == NULL, port == NULL);
    assert_true(gw_str_equal(parts.port, gw_str_from(port)));
    assert_int_equal(parts.is_bracketed, is_bracketed);
}

static void test_split_takes_host_and_port_apart(void **state) {
    (void)state;
    assert_split("example.org:8443", "example.org", "8443", false);
    assert_split("example.org", "example.org", NULL, false);
    assert_split("example.org:", "example.org", "", false);
    assert_split("192.0.2.1:80", "192.0.2.1", "80", false);
    assert_split(":80", "", "80", false);
    assert_split("", "", NULL, false);
    assert_split("a:b:80", "a", "b:80", false);
}

static void test_split_takes_brackets_off(void **state) {
    (void)state;
    assert_split("[2001:db8::1]:80", "2001:db8::1", "80", true);
    assert_split("[2001:db8::1]", "2001:db8::1", NULL, true);
    assert_split("[::1]:", "::1", "", true);
    assert_split("[]:80", "", "80", true);
}

static void test_split_refuses_broken_brackets(void **state) {
    (void)state;
    static const char *const broken[] = {"[",       "[::1",      "[::1:80",
                                         "[::1]80", "[::1]]:80", "[::1] :80"};
    struct gw_host_port parts;
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        assert_int_equal(gw_host_port_split(gw_str_from(broken[i]), &parts), GW_INVALID);
}

static void test_port_is_a_number_of_sixteen_bits(void **state) {
    (void)state;
    uint16_t port = 7;
    static const char *const broken[] = {"", "-1", "+1", " 80", "80 ", "http", "0x50"};
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        assert_int_equal(gw_port_parse(gw_str_from(broken[i]), &port), GW_INVALID);
    assert_int_equal(gw_port_parse(GW_STR("65536"), &port), GW_TOO_BIG);
    assert_int_equal(gw_port_parse(GW_STR("18446744073709551616"), &port), GW_TOO_BIG);
    assert_int_equal(port, 7);
    assert_int_equal(gw_port_parse(GW_STR("0"), &port), GW_OK);
    assert_int_equal(port, 0);
    assert_int_equal(gw_port_parse(GW_STR("65535"), &port), GW_OK);
    assert_int_equal(port, 65535);
}

static void assert_read(const char *address, const char *expected_host, const char *expected_port) {
    char host[GW_HOST_BYTES_MAX + 1];
    const char *port;
    assert_int_equal(gw_host_port_read(address, host, &port), GW_OK);
    assert_string_equal(host, expected_host);
    assert_string_equal(port, expected_port);
}

static void test_read_gives_terminated_pieces(void **state) {
    (void)state;
    assert_read("0.0.0.0:8443", "0.0.0.0", "8443");
    assert_read("localhost:0", "localhost", "0");
    assert_read("[::]:8443", "::", "8443");
    assert_read(":::8443", "::", "8443");
    assert_read("fe80::1:8443", "fe80::1", "8443");
}

static void test_read_wants_both_pieces(void **state) {
    (void)state;
    char host[GW_HOST_BYTES_MAX + 1];
    const char *port;
    static const char *const broken[] = {"",          "localhost", "localhost:", ":80",
                                         "[]:80",     "[::1]",     "[::1]:",     "[::1",
                                         "host:http", "[::1]80"};
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        assert_int_equal(gw_host_port_read(broken[i], host, &port), GW_INVALID);
    assert_int_equal(gw_host_port_read("localhost:65536", host, &port), GW_TOO_BIG);
}

static void test_read_bounds_the_host(void **state) {
    (void)state;
    char address[GW_HOST_BYTES_MAX + sizeof("x:80")];
    char host[GW_HOST_BYTES_MAX + 1];
    const char *port;
    memset(address, 'x', sizeof(address));
    memcpy(address + GW_HOST_BYTES_MAX, ":80", sizeof(":80"));
    assert_int_equal(gw_host_port_read(address, host, &port), GW_OK);
    assert_int_equal(strlen(host), GW_HOST_BYTES_MAX);
    memcpy(address + GW_HOST_BYTES_MAX, "x:80", sizeof("x:80"));
    assert_int_equal(gw_host_port_read(address, host, &port), GW_TOO_BIG);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split_takes_host_and_port_apart),
        cmocka_unit_test(test_split_takes_brackets_off),
        cmocka_unit_test(test_split_refuses_broken_brackets),
        cmocka_unit_test(test_port_is_a_number_of_sixteen_bits),
        cmocka_unit_test(test_read_gives_terminated_pieces),
        cmocka_unit_test(test_read_wants_both_pieces),
        cmocka_unit_test(test_read_bounds_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
