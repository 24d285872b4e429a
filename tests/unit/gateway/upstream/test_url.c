// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <strings.h>

#include "gateway/upstream/url.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void test_urls_are_taken_apart(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *host;
        uint16_t port;
        const char *authority;
    } cases[] = {
        {"http://registry", "registry", 80, "registry"},
        {"http://registry/", "registry", 80, "registry"},
        {"HTTP://Registry.example:8080", "Registry.example", 8080, "Registry.example:8080"},
        {"http://10.0.0.1:1/", "10.0.0.1", 1, "10.0.0.1:1"},
        {"http://my_service.ns.svc:65535", "my_service.ns.svc", 65535, "my_service.ns.svc:65535"},
        {"http://[::1]:80", "::1", 80, "[::1]:80"},
        {"http://[2001:db8::5]", "2001:db8::5", 80, "[2001:db8::5]"},
        {"https://registry", "registry", 443, "registry"},
        {"HTTPS://registry:8443/", "registry", 8443, "registry:8443"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_upstream_url url;
        const char *problem = NULL;
        if (gw_upstream_url_parse(gw_str_from(cases[i].text), &url, &problem) != GW_OK)
            fail_msg("%s: %s", cases[i].text, problem);
        assert_string_equal(url.host, cases[i].host);
        assert_int_equal(url.port, cases[i].port);
        assert_int_equal(url.is_tls, strncasecmp(cases[i].text, "https:", 6) == 0);
        assert_true(gw_str_equal(url.authority, gw_str_from(cases[i].authority)));
    }
}

static void test_what_is_not_such_a_url_is_refused_with_a_reason(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *problem; // part of it
    } cases[] = {
        {"", "must start with http://"},
        {"registry:8080", "must start with http://"},
        {"ftp://registry", "must start with http://"},
        {"https:registry", "must start with http://"},
        {"http:/registry", "must start with http://"},
        {"httpss://registry", "must start with http://"},
        {"http://", "host is missing"},
        {"http://:8080", "host is missing"},
        {"http:///", "host is missing"},
        {"http://registry/api", "path"},
        {"http://registry//", "path"},
        {"http://registry?x=1", "path"},
        {"http://registry/#", "path"},
        {"http://user:secret@registry", "user information"},
        {"http://reg istry", "host is not valid"},
        {"http://registry\r\nX-Evil: 1", "host is not valid"},
        {"http://[::1", "host is not valid"},
        {"http://[registry]", "host is not valid"},
        {"http://[fe80::1%eth0]", "host is not valid"},
        {"http://[::1]8080", "host is not valid"},
        {"http://::1", "host is missing"},
        {"http://registry:", "port"},
        {"http://registry:0", "port"},
        {"http://registry:65536", "port"},
        {"http://registry:80x", "port"},
        {"http://registry:+80", "port"},
        {"http://registry:99999999999999999999", "port"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct gw_upstream_url url;
        const char *problem = NULL;
        if (gw_upstream_url_parse(gw_str_from(cases[i].text), &url, &problem) != GW_INVALID)
            fail_msg("%s is accepted", cases[i].text);
        if (strstr(problem, cases[i].problem) == NULL)
            fail_msg("%s: %s", cases[i].text, problem);
    }
}

static void test_a_host_has_a_length_limit(void **state) {
    (void)state;
    char text[400] = "http://";
    struct gw_upstream_url url;
    const char *problem = NULL;
    memset(text + 7, 'h', GW_UPSTREAM_HOST_BYTES_MAX);
    assert_int_equal(gw_upstream_url_parse(gw_str_from(text), &url, &problem), GW_OK);
    text[7 + GW_UPSTREAM_HOST_BYTES_MAX] = 'h';
    assert_int_equal(gw_upstream_url_parse(gw_str_from(text), &url, &problem), GW_INVALID);
}

static void test_a_nul_does_not_hide_the_rest(void **state) {
    (void)state;
    struct gw_upstream_url url;
    const char *problem = NULL;
    assert_int_equal(gw_upstream_url_parse(GW_STR("http://registry\0.evil"), &url, &problem),
                     GW_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls_are_taken_apart),
        cmocka_unit_test(test_what_is_not_such_a_url_is_refused_with_a_reason),
        cmocka_unit_test(test_a_host_has_a_length_limit),
        cmocka_unit_test(test_a_nul_does_not_hide_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
