// SPDX-License-Identifier: MIT
// Who the client is behind the proxies 10.0.0.0/8 and 2001:db8::/32; the request comes from 10.0.0.9.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "gateway/client_ip.h"

#define PEER "10.0.0.9"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void add_field(struct gw_http_head *request, enum gw_http_field_id id, const char *value) {
    if (value != NULL)
        request->fields[request->field_count++] =
            (struct gw_http_field){.value = gw_str_from(value), .id = id};
}

static void assert_found(const struct gw_http_head *request, const char *expected) {
    char text[GW_IP_TEXT_BYTES_MAX];
    struct gw_trusted_proxies trusted;
    struct gw_ip peer;
    assert_int_equal(gw_trusted_proxies_parse(GW_STR("10.0.0.0/8,2001:db8::/32"), &trusted), GW_OK);
    assert_int_equal(gw_ip_parse(GW_STR(PEER), &peer), GW_OK);
    struct gw_ip found = gw_client_ip_find(request, &trusted, &peer);
    gw_ip_format(&found, text);
    assert_string_equal(text, expected);
}

static void assert_client(const char *list, const char *forwarded, const char *expected) {
    struct gw_http_head request = {.field_count = 0};
    add_field(&request, GW_FIELD_X_FORWARDED_FOR, list);
    add_field(&request, GW_FIELD_FORWARDED, forwarded);
    assert_found(&request, expected);
}

static void test_without_a_field_the_proxy_is_the_client(void **state) {
    (void)state;
    assert_client(NULL, NULL, PEER);
}

static void test_the_first_untrusted_from_the_right_is_the_client(void **state) {
    (void)state;
    static const struct {
        const char *list;
        const char *client;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"198.51.100.1, 192.0.2.1", "192.0.2.1"},
        {"198.51.100.1,192.0.2.1,10.0.0.1 ,\t10.0.0.2", "192.0.2.1"},
        {"192.0.2.1, 2001:db8::1, ::ffff:10.0.0.2", "192.0.2.1"},
        {"10.0.0.1, 10.0.0.2", "10.0.0.1"},
        {"127.0.0.1", "127.0.0.1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"2001:DB9::0001", "2001:db9::1"},
        {"192.0.2.1:443", "192.0.2.1"},
        {"[2001:db9::1]", "2001:db9::1"},
        {"[2001:db9::1]:443, 10.0.0.1:80", "2001:db9::1"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_client(cases[i].list, NULL, cases[i].client);
}

static void test_what_is_no_address_ends_the_walk(void **state) {
    (void)state;
    static const struct {
        const char *list;
        const char *client;
    } cases[] = {
        {"", PEER},
        {",", PEER},
        {"192.0.2.1,", PEER},
        {"192.0.2.1, , 10.0.0.1", "10.0.0.1"},
        {"192.0.2.1 10.0.0.1", PEER},
        {"192.0.2.1;10.0.0.1", PEER},
        {"unknown", PEER},
        {"192.0.2.1, unknown, 10.0.0.1", "10.0.0.1"},
        {"192.0.2.1, _hidden", PEER},
        {"192.0.2.01", PEER},
        {"192.0.2.1:", PEER},
        {"192.0.2.1:65536", PEER},
        {"192.0.2.1:000443", PEER},
        {"192.0.2.1:-1", PEER},
        {"192.0.2.1:80:80", PEER},
        {"\"192.0.2.1\"", PEER},
        {"192.0.2.1\"", PEER},
        {"[192.0.2.1]", PEER},
        {"[2001:db9::1", PEER},
        {"2001:db9::1]", PEER},
        {"[2001:db9::1]443", PEER},
        {"[2001:db9::1%1]", PEER},
        {"fe80::1%eth0", PEER},
        {"for=192.0.2.1", PEER},
        {"gateway.example", PEER},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_client(cases[i].list, NULL, cases[i].client);
}

static void test_fields_of_one_name_are_one_list(void **state) {
    (void)state;
    struct gw_http_head request = {.field_count = 0};
    add_field(&request, GW_FIELD_X_FORWARDED_FOR, "198.51.100.1, 192.0.2.1");
    add_field(&request, GW_FIELD_HOST, "192.0.2.9");
    add_field(&request, GW_FIELD_X_FORWARDED_FOR, "10.0.0.1, 10.0.0.2");
    assert_found(&request, "192.0.2.1");
    add_field(&request, GW_FIELD_X_FORWARDED_FOR, "");
    assert_found(&request, PEER);
}

static void test_forwarded_is_walked_alike(void **state) {
    (void)state;
    static const struct {
        const char *elements;
        const char *client;
    } cases[] = {
        {"for=192.0.2.1", "192.0.2.1"},
        {"For=192.0.2.1;proto=https;by=10.0.0.1", "192.0.2.1"},
        {"by=10.0.0.1; FOR=\"192.0.2.1:80\" ;host=x", "192.0.2.1"},
        {"for=\"[2001:db9::1]\"", "2001:db9::1"},
        {"for=\"[2001:db9::1]:_port\", for=10.0.0.2", "2001:db9::1"},
        {"for=198.51.100.1, for=192.0.2.1,for=10.0.0.1", "192.0.2.1"},
        {"for=192.0.2.1;host=\"a,b;for=1.1.1.1\"", "192.0.2.1"},
        {"for=192.0.2.1;host=\"a\\\",for=1.1.1.1\", for=10.0.0.1", "192.0.2.1"},
        {"for=\", for=192.0.2.1", "192.0.2.1"}, // what stands further left is not read
        {"for=\"1.1.1.1, for=10.0.0.1", "10.0.0.1"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_client(NULL, cases[i].elements, cases[i].client);
}

static void test_broken_or_hidden_elements_end_the_walk(void **state) {
    (void)state;
    static const char *const elements[] = {
        "",
        "for",
        "for=",
        "for=unknown",
        "for=_hidden",
        "for=\"_hidden:80\"",
        "for=\"unknown\"",
        "proto=https",
        "for=192.0.2.1;for=192.0.2.1",
        "for=192.0.2.1;for=192.0.2.2",
        "for=2001:db9::1",
        "for=[2001:db9::1",
        "for=\"192.0.2.1",
        "for=192.0.2.1\"",
        "for=\"192.0.2.1\\\"",
        "for=\"192.0.2\\.1\"",
        "for=\"\"192.0.2.1\"\"",
        "for=\"192.0.2.1:_\"",
        "for=\"192.0.2.1:_a b\"",
        "for=192.0.2.1,",
        "for=192.0.2.1;host=\"",
        "xfor=192.0.2.1",
        "192.0.2.1",
    };
    for (size_t i = 0; i < COUNT(elements); i++)
        assert_client(NULL, elements[i], PEER);
}

static void test_two_fields_that_disagree_are_not_believed(void **state) {
    (void)state;
    assert_client("192.0.2.1", "for=192.0.2.1", "192.0.2.1");
    assert_client("[2001:db9::1]:1, 10.0.0.1", "for=\"[2001:DB9::1]\"", "2001:db9::1");
    assert_client("192.0.2.1", "for=192.0.2.2", PEER);
    assert_client("192.0.2.1", "for=unknown", PEER);
    assert_client("192.0.2.1", "", PEER);
    assert_client("", "for=192.0.2.1", PEER);
    assert_client("192.0.2.1, 10.0.0.1", "for=10.0.0.1", PEER);
}

static void test_a_thousand_hops_are_not_all_walked(void **state) {
    (void)state;
    static char list[16000];
    size_t length = 0;
    for (int i = 1000; i > 0; i--)
        length += (size_t)snprintf(list + length, sizeof list - length, "10.1.%d.%d%s", i / 250,
                                   i % 250, i > 1 ? "," : "");
    char last[32];
    snprintf(last, sizeof last, "10.1.0.%d", GW_FORWARDED_HOPS_MAX);
    assert_client(list, NULL, last);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_field_the_proxy_is_the_client),
        cmocka_unit_test(test_the_first_untrusted_from_the_right_is_the_client),
        cmocka_unit_test(test_what_is_no_address_ends_the_walk),
        cmocka_unit_test(test_fields_of_one_name_are_one_list),
        cmocka_unit_test(test_forwarded_is_walked_alike),
        cmocka_unit_test(test_broken_or_hidden_elements_end_the_walk),
        cmocka_unit_test(test_two_fields_that_disagree_are_not_believed),
        cmocka_unit_test(test_a_thousand_hops_are_not_all_walked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
