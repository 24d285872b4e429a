// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "gateway/issuers/proxy.h"

static int forget(void **state) {
    static const char *const names[] = {"https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"};
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(unsetenv(names[i]), 0);
    return 0;
}

static void set(const char *name, const char *value) {
    assert_int_equal(setenv(name, value, 1), 0);
}

// The options that come of it.
static struct gw_upstream_options options_of(struct gw_issuer_proxy *proxy) {
    struct gw_upstream_options options = {.text_count = 0};
    struct gw_upstream_problem problem;
    assert_int_equal(gw_issuer_proxy_read(proxy, &problem), GW_OK);
    gw_issuer_proxy_use(proxy, &options);
    return options;
}

static void expect(const char *name, const char *no_proxy) {
    struct gw_issuer_proxy proxy;
    struct gw_upstream_options options = options_of(&proxy);
    assert_string_equal(options.proxy != NULL ? options.proxy->name : "none", name);
    assert_true(gw_str_equal(options.no_proxy, gw_str_from(no_proxy)));
}

static void test_without_variables_there_is_none(void **state) {
    (void)state;
    expect("none", "");
    set("NO_PROXY", "example.com");
    expect("none", "example.com");
}

static void test_small_letters_come_first(void **state) {
    (void)state;
    set("HTTPS_PROXY", "http://capital:1");
    set("NO_PROXY", "capital");
    expect("capital:1", "capital");
    set("https_proxy", "http://small:2");
    set("no_proxy", "small");
    expect("small:2", "small");
}

static void test_an_empty_variable_is_none(void **state) {
    (void)state;
    set("https_proxy", "");
    expect("none", "");
    set("HTTPS_PROXY", "http://capital:1");
    expect("capital:1", "");
}

static void test_one_that_cannot_be_used_is_named(void **state) {
    struct gw_issuer_proxy proxy = {.is_set = false};
    struct gw_upstream_problem problem;
    (void)state;
    set("HTTPS_PROXY", "https://user:hidden@proxy");
    assert_int_equal(gw_issuer_proxy_read(&proxy, &problem), GW_INVALID);
    assert_string_equal(
        problem.text,
        "HTTPS_PROXY cannot be used: only proxies that are named by http:// are supported");
    set("https_proxy", "http://user:hidden%@proxy");
    assert_int_equal(gw_issuer_proxy_read(&proxy, &problem), GW_INVALID);
    assert_true(gw_str_starts_with(gw_str_from(problem.text), GW_STR("https_proxy cannot")));
    assert_null(strstr(problem.text, "hidden"));
    assert_false(proxy.is_set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_without_variables_there_is_none, forget),
        cmocka_unit_test_setup(test_small_letters_come_first, forget),
        cmocka_unit_test_setup(test_an_empty_variable_is_none, forget),
        cmocka_unit_test_setup(test_one_that_cannot_be_used_is_named, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
