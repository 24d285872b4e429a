// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "gateway/upstream/proxy.h"

static enum gw_status parse(const char *text, struct gw_upstream_proxy *proxy,
                            const char **problem) {
    return gw_upstream_proxy_parse(gw_str_from(text), proxy, problem);
}

static void expect(const char *text, const char *host, int port, const char *basic) {
    struct gw_upstream_proxy proxy;
    const char *problem = NULL;
    assert_int_equal(parse(text, &proxy, &problem), GW_OK);
    assert_string_equal(proxy.url.host, host);
    assert_int_equal(proxy.url.port, port);
    assert_string_equal(proxy.basic, basic);
}

static void test_addresses(void **state) {
    (void)state;
    expect("http://proxy.example.com:3128", "proxy.example.com", 3128, "");
    expect("HTTP://proxy.example.com/", "proxy.example.com", 80, "");
    expect("proxy.example.com:8080", "proxy.example.com", 8080, "");
    expect("proxy", "proxy", 80, "");
    expect("http://[2001:db8::1]:3128", "2001:db8::1", 3128, "");
    expect("127.0.0.1:1", "127.0.0.1", 1, "");
}

static void test_names_and_passwords(void **state) {
    (void)state;
    expect("http://Aladdin:open%20sesame@proxy:1", "proxy", 1, "QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    expect("Aladdin:open%20sesame@proxy:1", "proxy", 1, "QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    expect("http://user@proxy", "proxy", 80, "dXNlcjo=");
    expect("http://u:p%40%2f%3A@proxy", "proxy", 80, "dTpwQC86");
    expect("http://u:p@q@proxy", "proxy", 80, "dTpwQHE=");
    expect("http://u:~~%3E%ff@proxy", "proxy", 80, "dTp+fj7/");
    expect("http://:@proxy", "proxy", 80, "Og==");
}

static void test_a_name_for_people_has_no_password(void **state) {
    struct gw_upstream_proxy proxy;
    const char *problem = NULL;
    (void)state;
    assert_int_equal(parse("http://user:hidden@proxy.example.com:3128/", &proxy, &problem), GW_OK);
    assert_string_equal(proxy.name, "proxy.example.com:3128");
}

static void test_what_cannot_be_used_is_refused(void **state) {
    static const char *const wrong[] = {"",
                                        "https://proxy:1",
                                        "socks5://proxy:1",
                                        "://proxy",
                                        "http://",
                                        "http:///",
                                        "http://user:hidden@",
                                        "http://proxy:0",
                                        "http://proxy:65536",
                                        "http://proxy:x",
                                        "http://proxy/path",
                                        "http://proxy?x",
                                        "http://proxy#x",
                                        "http://pro xy",
                                        "http://[::1",
                                        "http://u:hidden%@proxy",
                                        "http://u:hidden%4@proxy",
                                        "http://u:hidden%4x@proxy",
                                        "http://u:hidden%0d%0aX@proxy",
                                        "http://u:hidden%00@proxy",
                                        "http://u:hid/den@proxy"};
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct gw_upstream_proxy proxy = {.name = "as before"};
        const char *problem = NULL;
        assert_int_equal(parse(wrong[i], &proxy, &problem), GW_INVALID);
        assert_non_null(problem);
        assert_null(strstr(problem, "hid"));
        assert_string_equal(proxy.name, "as before");
    }
}

// "http://" u:ppp...@proxy with a password of `length` bytes.
static enum gw_status parse_long(size_t length) {
    char text[1024];
    struct gw_upstream_proxy proxy;
    const char *problem = NULL;
    size_t used = (size_t)snprintf(text, sizeof(text), "http://u:");
    memset(text + used, 'p', length);
    (void)snprintf(text + used + length, sizeof(text) - used - length, "@proxy");
    return parse(text, &proxy, &problem);
}

static void test_lengths_are_bounded(void **state) {
    char host[400];
    struct gw_upstream_proxy proxy;
    const char *problem = NULL;
    (void)state;
    assert_int_equal(parse_long(GW_UPSTREAM_PROXY_USER_BYTES_MAX - 2), GW_OK);
    assert_int_equal(parse_long(GW_UPSTREAM_PROXY_USER_BYTES_MAX - 1), GW_INVALID);
    memset(host, 'h', sizeof(host) - 1);
    host[sizeof(host) - 1] = '\0';
    assert_int_equal(parse(host, &proxy, &problem), GW_INVALID);
    host[GW_UPSTREAM_HOST_BYTES_MAX] = '\0';
    assert_int_equal(parse(host, &proxy, &problem), GW_OK);
}

static void expect_request(const char *proxy_text, const char *origin, const char *expected) {
    struct gw_upstream_proxy proxy;
    struct gw_upstream_url url;
    struct gw_buf request;
    const char *problem = NULL;
    char text[512];
    assert_int_equal(parse(proxy_text, &proxy, &problem), GW_OK);
    assert_int_equal(gw_upstream_url_parse(gw_str_from(origin), &url, &problem), GW_OK);
    gw_buf_init(&request, GW_UPSTREAM_PROXY_REQUEST_BYTES_MAX);
    assert_int_equal(gw_upstream_proxy_write_request(&proxy, &url, &request), GW_OK);
    (void)snprintf(text, sizeof(text), "%.*s", GW_STR_ARG(gw_buf_bytes(&request)));
    assert_string_equal(text, expected);
    gw_buf_deinit_wiped(&request);
}

static void test_the_request(void **state) {
    (void)state;
    expect_request("http://proxy", "https://issuer.example.com",
                   "CONNECT issuer.example.com:443 HTTP/1.1\r\nHost: issuer.example.com:443\r\n"
                   "User-Agent: skillreg-gateway/" GATEWAY_VERSION "\r\n\r\n");
    expect_request("http://u:p@proxy", "https://[2001:db8::1]:8443",
                   "CONNECT [2001:db8::1]:8443 HTTP/1.1\r\nHost: [2001:db8::1]:8443\r\n"
                   "User-Agent: skillreg-gateway/" GATEWAY_VERSION "\r\n"
                   "Proxy-Authorization: Basic dTpw\r\n\r\n");
}

static void test_the_longest_request_fits(void **state) {
    char text[1024];
    struct gw_upstream_proxy proxy;
    struct gw_upstream_url url = {.port = 65535};
    struct gw_buf request;
    const char *problem = NULL;
    (void)state;
    size_t used = (size_t)snprintf(text, sizeof(text), "http://u:");
    memset(text + used, 'p', GW_UPSTREAM_PROXY_USER_BYTES_MAX - 2);
    (void)snprintf(text + used + GW_UPSTREAM_PROXY_USER_BYTES_MAX - 2, 100, "@proxy");
    assert_int_equal(parse(text, &proxy, &problem), GW_OK);
    memset(url.host, 'h', GW_UPSTREAM_HOST_BYTES_MAX);
    gw_buf_init(&request, GW_UPSTREAM_PROXY_REQUEST_BYTES_MAX);
    assert_int_equal(gw_upstream_proxy_write_request(&proxy, &url, &request), GW_OK);
    gw_buf_deinit_wiped(&request);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_names_and_passwords),
        cmocka_unit_test(test_a_name_for_people_has_no_password),
        cmocka_unit_test(test_what_cannot_be_used_is_refused),
        cmocka_unit_test(test_lengths_are_bounded),
        cmocka_unit_test(test_the_request),
        cmocka_unit_test(test_the_longest_request_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
