// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/san.h"

#define LABEL_63 "a23456789012345678901234567890123456789012345678901234567890123"

static void test_kinds_are_told_by_their_form(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum gw_san_kind kind;
    } cases[] = {
        {"spiffe://example.org/ci/build", GW_SAN_URI},
        {"spiffe://example.org/ns/a-b_c/sa/x.y~z", GW_SAN_URI},
        {"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6", GW_SAN_URI},
        {"https://[2001:db8::1]:8443/a%20b?c=d;e#f", GW_SAN_URI},
        {"a+b-c.d:x", GW_SAN_URI},
        {"ci.example.org", GW_SAN_DNS},
        {"CI.Example.org", GW_SAN_DNS},
        {"_srv.example.org", GW_SAN_DNS},
        {"localhost", GW_SAN_DNS},
        {LABEL_63 ".org", GW_SAN_DNS},
        {"", GW_SAN_NONE},
        {":", GW_SAN_NONE},
        {"spiffe:", GW_SAN_NONE},
        {"://example.org", GW_SAN_NONE},
        {"1a:x", GW_SAN_NONE},
        {"+a:x", GW_SAN_NONE},
        {"a_b:x", GW_SAN_NONE},
        {"spiffe://example.org/*", GW_SAN_NONE},
        {"spiffe://example.org/a b", GW_SAN_NONE},
        {"spiffe://example.org/?a&b", GW_SAN_NONE},
        {"spiffe://example.org/a\nb", GW_SAN_NONE},
        {"spiffe://example.org/\"", GW_SAN_NONE},
        {"spiffe://example.org/\x7f", GW_SAN_NONE},
        {"spiffe://ex\xc3\xa4mple.org/", GW_SAN_NONE},
        {"*.example.org", GW_SAN_NONE},
        {"example.org.", GW_SAN_NONE},
        {".example.org", GW_SAN_NONE},
        {"example..org", GW_SAN_NONE},
        {"example.org/ci", GW_SAN_NONE},
        {"ci example", GW_SAN_NONE},
        {"a" LABEL_63 ".org", GW_SAN_NONE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (gw_san_kind(gw_str_from(cases[i].name)) != cases[i].kind)
            fail_msg("%s", cases[i].name);
    }
    assert_int_equal(gw_san_kind(GW_STR("a.example\0.org")), GW_SAN_NONE);
    assert_int_equal(gw_san_kind(GW_STR("spiffe://example\0")), GW_SAN_NONE);
}

static void test_lengths_are_bounded(void **state) {
    (void)state;
    char uri[GW_SAN_BYTES_MAX + 1];
    memset(uri, 'a', sizeof(uri));
    memcpy(uri, "spiffe://", 9);
    assert_int_equal(gw_san_kind(gw_str(uri, GW_SAN_BYTES_MAX)), GW_SAN_URI);
    assert_int_equal(gw_san_kind(gw_str(uri, GW_SAN_BYTES_MAX + 1)), GW_SAN_NONE);
    char dns[GW_SAN_DNS_BYTES_MAX + 1];
    for (size_t i = 0; i < sizeof(dns); i++)
        dns[i] = i % 2 == 0 ? 'a' : '.';
    assert_int_equal(gw_san_kind(gw_str(dns, GW_SAN_DNS_BYTES_MAX)), GW_SAN_DNS);
    dns[GW_SAN_DNS_BYTES_MAX - 1] = dns[GW_SAN_DNS_BYTES_MAX] = 'a';
    assert_int_equal(gw_san_kind(gw_str(dns, GW_SAN_DNS_BYTES_MAX + 1)), GW_SAN_NONE);
}

static void test_a_list_has_whole_names(void **state) {
    (void)state;
    const struct gw_str list = GW_STR("spiffe://example.org/ci\nci.example.org\n");
    assert_true(gw_san_list_has(list, GW_STR("spiffe://example.org/ci")));
    assert_true(gw_san_list_has(list, GW_STR("ci.example.org")));
    static const char *const others[] = {"",
                                         "spiffe://example.org/c",
                                         "spiffe://example.org/ci/",
                                         "spiffe://example.org/CI",
                                         "example.org",
                                         "CI.example.org",
                                         "ci.example.org\n",
                                         "spiffe://example.org/ci\nci.example.org"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (gw_san_list_has(list, gw_str_from(others[i])))
            fail_msg("%s", others[i]);
    }
    assert_false(gw_san_list_has(gw_str(NULL, 0), GW_STR("ci.example.org")));
    assert_false(gw_san_list_has(gw_str(NULL, 0), GW_STR("")));
    assert_false(gw_san_list_has(GW_STR(""), GW_STR("")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_are_told_by_their_form),
        cmocka_unit_test(test_lengths_are_bounded),
        cmocka_unit_test(test_a_list_has_whole_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
