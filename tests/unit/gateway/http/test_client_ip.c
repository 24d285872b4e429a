// SPDX-License-Identifier: MIT
// Who the client is behind the proxies 10.0.0.0/8 and 2001:db8::/32; the request comes
// from 10.0.0.9.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/http/client_ip.h"

#define PEER "10.0.0.9"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void add_field(struct gw_http_head *request, enum gw_http_field_id id, const char *value) {
    if (value != NULL)
        request->fields[request->field_count++] =
            (struct gw_http_field){.value = gw_str_from(value), .id = id};
}

#define UNKNOWN NULL

static void assert_found(const struct gw_http_head *request, enum gw_http_field_id field,
                         const char *expected) {
    char text[GW_IP_TEXT_BYTES_MAX];
    struct gw_trusted_proxies trusted;
    struct gw_ip peer;
    struct gw_ip found;
    assert_int_equal(gw_trusted_proxies_parse(GW_STR("10.0.0.0/8,2001:db8::/32"), &trusted), GW_OK);
    assert_int_equal(gw_ip_parse(GW_STR(PEER), &peer), GW_OK);
    bool is_known = gw_client_ip_find(request, field, &trusted, &peer, &found);
    gw_ip_format(&found, text);
    if (is_known != (expected != UNKNOWN) || (is_known && strcmp(text, expected) != 0))
        fail_msg("%s instead of %s", is_known ? text : "unknown",
                 expected != UNKNOWN ? expected : "unknown");
}

// The request has both fields where neither is NULL.
static void assert_client_from(enum gw_http_field_id field, const char *list, const char *forwarded,
                               const char *expected) {
    struct gw_http_head request = {.field_count = 0};
    add_field(&request, GW_FIELD_X_FORWARDED_FOR, list);
    add_field(&request, GW_FIELD_FORWARDED, forwarded);
    assert_found(&request, field, expected);
}

static void assert_client(const char *list, const char *expected) {
    assert_client_from(GW_FIELD_X_FORWARDED_FOR, list, NULL, expected);
}

static void test_without_a_field_the_proxy_is_the_client(void **state) {
    (void)state;
    assert_client_from(GW_FIELD_X_FORWARDED_FOR, NULL, NULL, PEER);
    assert_client_from(GW_FIELD_FORWARDED, NULL, NULL, PEER);
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
        assert_client(cases[i].list, cases[i].client);
}

static void test_what_is_no_address_makes_the_client_unknown(void **state) {
    (void)state;
    static const char *const lists[] = {
        "",
        ",",
        "192.0.2.1,",
        "192.0.2.1, , 10.0.0.1",
        "192.0.2.1 10.0.0.1",
        "192.0.2.1;10.0.0.1",
        "unknown",
        "192.0.2.1, unknown, 10.0.0.1",
        "192.0.2.1, _hidden",
        "192.0.2.01",
        "192.0.2.1:",
        "192.0.2.1:65536",
        "192.0.2.1:000443",
        "192.0.2.1:-1",
        "192.0.2.1:80:80",
        "\"192.0.2.1\"",
        "192.0.2.1\"",
        "[192.0.2.1]",
        "[2001:db9::1",
        "2001:db9::1]",
        "[2001:db9::1]443",
        "[2001:db9::1%1]",
        "fe80::1%eth0",
        "for=192.0.2.1",
        "gateway.example",
    };
    for (size_t i = 0; i < COUNT(lists); i++)
        assert_client(lists[i], UNKNOWN);
}

static void test_what_stands_left_of_the_client_is_not_read(void **state) {
    (void)state;
    static const char *const lists[] = {
        "unknown, 192.0.2.1",
        ", 192.0.2.1, 10.0.0.1",
        "\", 192.0.2.1",
        "10.0.0.1,,192.0.2.1",
    };
    for (size_t i = 0; i < COUNT(lists); i++)
        assert_client(lists[i], "192.0.2.1");
}

static void test_fields_of_one_name_are_one_list(void **state) {
    (void)state;
    struct gw_http_head request = {.field_count = 0};
    add_field(&request, GW_FIELD_X_FORWARDED_FOR, "198.51.100.1, 192.0.2.1");
    add_field(&request, GW_FIELD_HOST, "192.0.2.9");
    add_field(&request, GW_FIELD_X_FORWARDED_FOR, "10.0.0.1, 10.0.0.2");
    assert_found(&request, GW_FIELD_X_FORWARDED_FOR, "192.0.2.1");
    add_field(&request, GW_FIELD_X_FORWARDED_FOR, "");
    assert_found(&request, GW_FIELD_X_FORWARDED_FOR, UNKNOWN);
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
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_client_from(GW_FIELD_FORWARDED, NULL, cases[i].elements, cases[i].client);
}

static void test_broken_or_hidden_elements_make_the_client_unknown(void **state) {
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
        "for=\"1.1.1.1, for=10.0.0.1",
        "for=192.0.2.1, for=unknown, for=10.0.0.1",
    };
    for (size_t i = 0; i < COUNT(elements); i++)
        assert_client_from(GW_FIELD_FORWARDED, NULL, elements[i], UNKNOWN);
}

static void test_the_other_field_changes_nothing(void **state) {
    (void)state;
    static const char *const others[] = {"", "x", "for=unknown", "for=10.0.0.1", "10.0.0.1", ","};
    for (size_t i = 0; i < COUNT(others); i++) {
        assert_client_from(GW_FIELD_X_FORWARDED_FOR, "192.0.2.1", others[i], "192.0.2.1");
        assert_client_from(GW_FIELD_X_FORWARDED_FOR, "unknown", others[i], UNKNOWN);
        assert_client_from(GW_FIELD_FORWARDED, others[i], "for=192.0.2.1", "192.0.2.1");
        assert_client_from(GW_FIELD_FORWARDED, others[i], "for=unknown", UNKNOWN);
    }
}

// The proxy says whose request it is, but not where it was said to.
static void test_the_other_field_alone_makes_the_client_unknown(void **state) {
    (void)state;
    assert_client_from(GW_FIELD_X_FORWARDED_FOR, NULL, "for=192.0.2.1", UNKNOWN);
    assert_client_from(GW_FIELD_X_FORWARDED_FOR, NULL, "", UNKNOWN);
    assert_client_from(GW_FIELD_FORWARDED, "192.0.2.1", NULL, UNKNOWN);
}

// `first` and then so many proxies of ours.
static const char *list_behind(const char *first, int proxies) {
    static char list[16000];
    int length = snprintf(list, sizeof(list), "%s", first);
    for (int i = proxies; i > 0; i--)
        length +=
            snprintf(list + length, sizeof(list) - (size_t)length, ",10.1.%d.%d", i / 250, i % 250);
    return list;
}

static void test_as_many_hops_are_walked_as_the_limit_says(void **state) {
    (void)state;
    assert_client(list_behind("192.0.2.1", GW_FORWARDED_HOPS_MAX - 1), "192.0.2.1");
    assert_client(list_behind("10.2.0.1", GW_FORWARDED_HOPS_MAX - 1), "10.2.0.1");
}

// Not the last proxy that was walked past.
static void test_behind_more_hops_than_that_the_client_is_unknown(void **state) {
    (void)state;
    assert_client(list_behind("192.0.2.1", GW_FORWARDED_HOPS_MAX), UNKNOWN);
    assert_client(list_behind("10.2.0.1", GW_FORWARDED_HOPS_MAX), UNKNOWN);
    assert_client(list_behind("192.0.2.1", 1000), UNKNOWN);
    struct gw_http_head request = {.field_count = 0};
    add_field(&request, GW_FIELD_X_FORWARDED_FOR, "192.0.2.1");
    add_field(&request, GW_FIELD_X_FORWARDED_FOR,
              list_behind("10.2.0.1", GW_FORWARDED_HOPS_MAX - 1));
    assert_found(&request, GW_FIELD_X_FORWARDED_FOR, UNKNOWN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_field_the_proxy_is_the_client),
        cmocka_unit_test(test_the_first_untrusted_from_the_right_is_the_client),
        cmocka_unit_test(test_what_is_no_address_makes_the_client_unknown),
        cmocka_unit_test(test_what_stands_left_of_the_client_is_not_read),
        cmocka_unit_test(test_fields_of_one_name_are_one_list),
        cmocka_unit_test(test_forwarded_is_walked_alike),
        cmocka_unit_test(test_broken_or_hidden_elements_make_the_client_unknown),
        cmocka_unit_test(test_the_other_field_changes_nothing),
        cmocka_unit_test(test_the_other_field_alone_makes_the_client_unknown),
        cmocka_unit_test(test_as_many_hops_are_walked_as_the_limit_says),
        cmocka_unit_test(test_behind_more_hops_than_that_the_client_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
