// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "gateway/settings/issuer_url.h"

static void assert_split(const char *text, bool may_query, const char *origin, const char *path) {
    struct gw_issuer_url url;
    const char *problem;
    assert_int_equal(gw_issuer_url_split(gw_str_from(text), may_query, &url, &problem), GW_OK);
    assert_true(gw_str_equal(url.origin, gw_str_from(origin)));
    assert_true(gw_str_equal(url.path, gw_str_from(path)));
}

static void assert_refused(const char *text, const char *part) {
    struct gw_issuer_url url;
    const char *problem = "";
    assert_int_equal(gw_issuer_url_split(gw_str_from(text), false, &url, &problem), GW_INVALID);
    assert_non_null(strstr(problem, part));
}

static void test_a_url_is_an_origin_and_a_path(void **state) {
    (void)state;
    assert_split("https://a.test", false, "https://a.test", "");
    assert_split("https://a.test/", false, "https://a.test", "/");
    assert_split("https://a.test:8443/org/1-2", false, "https://a.test:8443", "/org/1-2");
    assert_split("https://[::1]/k", false, "https://[::1]", "/k");
    assert_split("https://a.test/keys?p=1&q", true, "https://a.test", "/keys?p=1&q");
}

static void test_what_is_no_such_url_is_refused(void **state) {
    (void)state;
    static const char *const others[] = {"http://a.test", "HTTPS://a.test", "a.test", "", "https:"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_refused(others[i], "start with https://");
    assert_refused("https://", "host is missing");
    assert_refused("https:///keys", "host is missing");
    assert_refused("https://me:secret@a.test/", "user information");
    assert_refused("https://a.test/?q", "query");
    assert_refused("https://a.test/#x", "fragment");
    assert_refused("https://a.test/a b", "escape");
    assert_refused("https://a.test/\r\nHost: b", "escape");
    assert_refused("https://a.test/\xc3\xa4", "escape");
}

static void test_a_query_needs_a_path(void **state) {
    (void)state;
    struct gw_issuer_url url;
    const char *problem;
    assert_int_equal(gw_issuer_url_split(GW_STR("https://a.test?q"), true, &url, &problem),
                     GW_INVALID);
}

static void test_the_length_is_bounded(void **state) {
    (void)state;
    char text[GW_ISSUER_URL_BYTES_MAX + 2] = "https://a.test/";
    memset(text + strlen(text), 'x', GW_ISSUER_URL_BYTES_MAX - strlen(text));
    struct gw_issuer_url url;
    const char *problem;
    assert_int_equal(gw_issuer_url_split(gw_str_from(text), false, &url, &problem), GW_OK);
    strcat(text, "x");
    assert_refused(text, "255");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_url_is_an_origin_and_a_path),
        cmocka_unit_test(test_what_is_no_such_url_is_refused),
        cmocka_unit_test(test_a_query_needs_a_path),
        cmocka_unit_test(test_the_length_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
