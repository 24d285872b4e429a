// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/proxy.h"

static void assert_name(const char *value, const char *wanted) {
    char name[CLI_PROXY_BYTES_MAX];
    assert_int_equal(setenv("https_proxy", value, 1), 0);
    cli_proxy_name("https://gateway.example/api/v1", name);
    assert_string_equal(name, wanted);
}

static void test_a_name_is_what_stands_behind_the_password(void **state) {
    (void)state;
    assert_name("http://proxy.example:3128", " proxy.example:3128");
    assert_name("proxy.example:3128", " proxy.example:3128");
    assert_name("socks5h://proxy.example/", " proxy.example");
    assert_name("http://[::1]:3128", " [::1]:3128");
    assert_name("http://user:hid@den@proxy.example:3128", " proxy.example:3128");
    assert_name("http://user:hid#den@proxy.example:3128", " proxy.example:3128");
    assert_name("http://user:hid/den@proxy.example:3128", " proxy.example:3128");
}

static void test_what_may_be_a_password_is_not_named(void **state) {
    (void)state;
    static const char *const values[] = {
        "", "http://", "user:hidden", "http://u:hid#den", "http://user:hidden", "hid den"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        assert_name(values[i], "");
}

static void test_the_variable_is_that_of_the_scheme(void **state) {
    (void)state;
    char name[CLI_PROXY_BYTES_MAX];
    assert_int_equal(clearenv(), 0);
    assert_int_equal(setenv("HTTP_PROXY", "upper:1", 1), 0); // a server may have it from a client
    cli_proxy_name("http://gateway.example/api/v1", name);
    assert_string_equal(name, "");
    assert_int_equal(setenv("ALL_PROXY", "all:1", 1), 0);
    cli_proxy_name("http://gateway.example/api/v1", name);
    assert_string_equal(name, " all:1");
    assert_int_equal(setenv("http_proxy", "plain:1", 1), 0);
    cli_proxy_name("http://gateway.example/api/v1", name);
    assert_string_equal(name, " plain:1");
    cli_proxy_name("https://gateway.example/api/v1", name);
    assert_string_equal(name, " all:1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_is_what_stands_behind_the_password),
        cmocka_unit_test(test_what_may_be_a_password_is_not_named),
        cmocka_unit_test(test_the_variable_is_that_of_the_scheme),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
