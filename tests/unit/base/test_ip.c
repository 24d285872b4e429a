// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <string.h>

#include "base/ip.h"

static struct gw_ip ip_of(const char *text) {
    struct gw_ip ip;
    assert_int_equal(gw_ip_parse(gw_str_from(text), &ip), GW_OK);
    return ip;
}

static struct gw_ip_range range_of(const char *text) {
    struct gw_ip_range range;
    assert_int_equal(gw_ip_range_parse(gw_str_from(text), &range), GW_OK);
    return range;
}

static void test_each_address_has_one_text(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *canonical;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"::FFFF:c000:0201", "192.0.2.1"},
        {"0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"2001:0db8::0001", "2001:db8::1"},
        {"2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1"},
        {"::", "::"},
        {"::1", "::1"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
         "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[GW_IP_TEXT_BYTES_MAX];
        struct gw_ip ip = ip_of(cases[i].text);
        assert_int_equal(gw_ip_format(&ip, out), strlen(cases[i].canonical));
        assert_string_equal(out, cases[i].canonical);
    }
}

static void test_what_could_be_read_in_two_ways_is_no_address(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.04",
        "0x1.2.3.4",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.4:80",
        "+1.2.3.4",
        "1.2.3.4/32",
        ":",
        ":::",
        "1::2::3",
        "fe80::1%eth0",
        "fe80::1%1",
        "[::1]",
        "[::1]:80",
        "::1:",
        "12345::",
        "::g",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "::ffff:01.2.3.4",
        "::ffff:1.2.3",
        "localhost",
        "unknown",
        "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct gw_ip ip = {.bytes = {7}};
        assert_int_equal(gw_ip_parse(gw_str_from(texts[i]), &ip), GW_INVALID);
        assert_int_equal(ip.bytes[0], 7);
    }
    struct gw_ip ip;
    assert_int_equal(gw_ip_parse(gw_str("1.2.3.4\0", 8), &ip), GW_INVALID);
    assert_int_equal(gw_ip_parse(gw_str(NULL, 0), &ip), GW_INVALID);
}

static void test_addresses_of_sockets_of_both_families_are_one(void **state) {
    (void)state;
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr other = {.sa_family = AF_UNIX};
    struct gw_ip wanted = ip_of("192.0.2.1");
    struct gw_ip ip;
    memcpy(&v4.sin_addr, wanted.bytes + 12, 4);
    memcpy(&v6.sin6_addr, wanted.bytes, 16);
    assert_int_equal(gw_ip_from_sockaddr((struct sockaddr *)&v4, &ip), GW_OK);
    assert_true(gw_ip_equal(&ip, &wanted));
    assert_int_equal(gw_ip_from_sockaddr((struct sockaddr *)&v6, &ip), GW_OK);
    assert_true(gw_ip_equal(&ip, &wanted));
    assert_int_equal(gw_ip_from_sockaddr(&other, &ip), GW_INVALID);
}

static void test_a_range_contains_its_addresses_and_no_others(void **state) {
    (void)state;
    static const struct {
        const char *range;
        const char *first_inside;
        const char *last_inside;
        const char *outside;
        const char *also_outside;
    } cases[] = {
        {"10.0.0.0/8", "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0"},
        {"192.0.2.128/25", "192.0.2.128", "192.0.2.255", "192.0.2.127", "192.0.3.0"},
        {"192.0.2.7", "192.0.2.7", "::ffff:192.0.2.7", "192.0.2.6", "192.0.2.8"},
        {"192.0.2.7/32", "192.0.2.7", "192.0.2.7", "192.0.2.6", "::c000:207"},
        {"::ffff:10.0.0.0/104", "10.0.0.0", "10.255.255.255", "11.0.0.0", "::10.0.0.0"},
        {"0.0.0.0/0", "0.0.0.0", "255.255.255.255", "::", "2001:db8::1"},
        {"2001:db8::/32", "2001:db8::", "2001:db8:ffff::ffff", "2001:db7:ffff::", "2001:db9::"},
        {"2001:db8::/61", "2001:db8::", "2001:db8:0:7:ffff::", "2001:db8:0:8::", "::"},
        {"::1", "::1", "::1", "::", "::2"},
        {"::/0", "::", "ffff::", "192.0.2.1", "::ffff:192.0.2.1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gw_ip_range range = range_of(cases[i].range);
        struct gw_ip first_inside = ip_of(cases[i].first_inside);
        struct gw_ip last_inside = ip_of(cases[i].last_inside);
        struct gw_ip outside = ip_of(cases[i].outside);
        struct gw_ip also_outside = ip_of(cases[i].also_outside);
        assert_true(gw_ip_range_contains(&range, &first_inside));
        assert_true(gw_ip_range_contains(&range, &last_inside));
        assert_false(gw_ip_range_contains(&range, &outside));
        assert_false(gw_ip_range_contains(&range, &also_outside));
    }
}

static void test_each_range_has_one_text(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *canonical;
    } cases[] = {
        {"10.0.0.0/8", "10.0.0.0/8"},
        {"::ffff:10.0.0.0/104", "10.0.0.0/8"},
        {"192.0.2.1/32", "192.0.2.1"},
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"::ffff:0:0/96", "0.0.0.0/0"},
        {"2001:DB8:0::/32", "2001:db8::/32"},
        {"::/0", "::/0"},
        {"::1/128", "::1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[GW_IP_RANGE_TEXT_BYTES_MAX];
        struct gw_ip_range range = range_of(cases[i].text);
        assert_int_equal(gw_ip_range_format(&range, out), strlen(cases[i].canonical));
        assert_string_equal(out, cases[i].canonical);
    }
}

static void test_broken_ranges_are_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "/",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/08",
        "10.0.0.0/+8",
        "10.0.0.0/8/8",
        "10.0.0.0/8 ",
        "10.0.0.0 /8",
        "10.0.0.1/8",
        "10/8",
        "10.0.0.0/-1",
        "::/129",
        "2001:db8::1/64",
        "::1/0",
        "::ffff:10.0.0.0/8",
        "10.0.0.0/4294967304",
        "10.0.0.0/18446744073709551624",
        "10.0.0.0-10.0.0.9",
        "any",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct gw_ip_range range = {.prefix_bits = 77};
        assert_int_equal(gw_ip_range_parse(gw_str_from(texts[i]), &range), GW_INVALID);
        assert_int_equal(range.prefix_bits, 77);
    }
    struct gw_ip_range range;
    assert_int_equal(gw_ip_range_parse(gw_str("10.0.0.0/8\0", 11), &range), GW_INVALID);
}

static void test_clients_are_told_apart_by_address_or_network(void **state) {
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        bool is_same;
    } cases[] = {
        {"192.0.2.1", "::ffff:192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "193.0.2.1", false},
        {"2001:db8:1:2::1", "2001:db8:1:2:ffff::", true},
        {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
        {"2001:db8::", "2001:db9::", false},
        {"0.0.0.0", "::", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gw_ip a = ip_of(cases[i].a);
        struct gw_ip b = ip_of(cases[i].b);
        assert_int_equal(gw_ip_client_key(&a) == gw_ip_client_key(&b), cases[i].is_same);
    }
}

static void test_sites_are_told_apart_by_their_48_bits(void **state) {
    (void)state;
    static const struct {
        const char *a;
        const char *b;
        bool is_same;
    } cases[] = {
        {"2001:db8:1::1", "2001:db8:1:ffff:ffff::", true},
        {"2001:db8:1::1", "2001:db8:2::1", false},
        {"2001:db8:1::1", "2001:db9:1::1", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gw_ip a = ip_of(cases[i].a);
        struct gw_ip b = ip_of(cases[i].b);
        uint64_t a_key;
        uint64_t b_key;
        assert_true(gw_ip_site_key(&a, &a_key));
        assert_true(gw_ip_site_key(&b, &b_key));
        assert_int_equal(a_key == b_key, cases[i].is_same);
    }
    struct gw_ip v4 = ip_of("192.0.2.1");
    uint64_t key;
    assert_false(gw_ip_site_key(&v4, &key));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_address_has_one_text),
        cmocka_unit_test(test_what_could_be_read_in_two_ways_is_no_address),
        cmocka_unit_test(test_addresses_of_sockets_of_both_families_are_one),
        cmocka_unit_test(test_clients_are_told_apart_by_address_or_network),
        cmocka_unit_test(test_sites_are_told_apart_by_their_48_bits),
        cmocka_unit_test(test_a_range_contains_its_addresses_and_no_others),
        cmocka_unit_test(test_each_range_has_one_text),
        cmocka_unit_test(test_broken_ranges_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
