// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/api_url.h"

static void assert_base(const char *address, const char *wanted) {
    char base[CLI_API_URL_BYTES_MAX];
    struct cli_reason why = {.text = ""};
    if (cli_api_url_base(address, false, base, &why) != CLI_DONE)
        fail_msg("%s is refused: %s", address, why.text);
    assert_string_equal(base, wanted);
}

static void assert_refused(const char *address, const char *part_of_reason) {
    char base[CLI_API_URL_BYTES_MAX];
    struct cli_reason why = {.text = ""};
    assert_int_equal(cli_api_url_base(address, false, base, &why), CLI_USAGE);
    if (strstr(why.text, part_of_reason) == NULL)
        fail_msg("%s: \"%s\" does not say \"%s\"", address, why.text, part_of_reason);
}

static void test_api_url_takes_an_address_as_people_write_it(void **state) {
    (void)state;
    assert_base("https://reg.example", "https://reg.example/api/v1");
    assert_base("https://reg.example/", "https://reg.example/api/v1");
    assert_base("https://reg.example/api/v1", "https://reg.example/api/v1");
    assert_base("https://reg.example/api/v1/", "https://reg.example/api/v1");
    assert_base("https://reg.example:8443//", "https://reg.example:8443/api/v1");
    assert_base("https://reg.example/skills/", "https://reg.example/skills/api/v1");
    assert_base("https://reg.example/skills/api/v1", "https://reg.example/skills/api/v1");
    assert_base("HTTPS://reg.example", "https://reg.example/api/v1");
    assert_base("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443/api/v1");
}

static void test_api_url_refuses_what_is_no_http_address(void **state) {
    (void)state;
    assert_refused("", "is not a URL");
    assert_refused("reg.example", "is not a URL");
    assert_refused("reg.example:8443", "is not a URL");
    assert_refused("ftp://reg.example", "is not a URL");
    assert_refused("file:///etc/passwd", "is not a URL");
    assert_refused("https://", "is not a URL");
    assert_refused("https://reg.example/a b", "is not a URL");
    assert_refused("https://reg.example\r\nX: y", "is not a URL");
}

static void test_api_url_refuses_user_query_and_fragment_without_showing_them(void **state) {
    (void)state;
    char base[CLI_API_URL_BYTES_MAX];
    struct cli_reason why = {.text = ""};
    assert_refused("https://reg.example/?a=b", "a query");
    assert_refused("https://reg.example/#a", "a fragment");
    assert_int_equal(cli_api_url_base("https://me:hidden@reg.example", false, base, &why),
                     CLI_USAGE);
    assert_null(strstr(why.text, "hidden"));
}

static void test_api_url_keeps_tokens_off_plain_http_but_for_this_machine(void **state) {
    (void)state;
    char base[CLI_API_URL_BYTES_MAX];
    struct cli_reason why = {.text = ""};
    assert_base("http://localhost:8080", "http://localhost:8080/api/v1");
    assert_base("http://127.0.0.1:8080/", "http://127.0.0.1:8080/api/v1");
    assert_base("http://127.9.9.9", "http://127.9.9.9/api/v1");
    assert_base("http://[::1]:80", "http://[::1]:80/api/v1");
    assert_refused("http://reg.example", "--insecure-http");
    assert_refused("http://127.0.0.1.evil.example", "--insecure-http");
    assert_refused("http://localhost.evil.example", "--insecure-http");
    assert_refused("http://10.0.0.1", "--insecure-http");
    assert_refused("http://0.0.0.0", "--insecure-http");
    assert_refused("http://128.0.0.1", "--insecure-http");
    assert_int_equal(cli_api_url_base("http://reg.example", true, base, &why), CLI_DONE);
    assert_string_equal(base, "http://reg.example/api/v1");
}

static void test_api_url_knows_this_machine(void **state) {
    (void)state;
    assert_true(cli_api_url_is_loopback("https://127.0.0.1:8443/api/v1"));
    assert_true(cli_api_url_is_loopback("https://localhost/api/v1"));
    assert_false(cli_api_url_is_loopback("https://reg.example/api/v1"));
    assert_false(cli_api_url_is_loopback("nonsense"));
}

static void test_api_url_encodes_every_reserved_character_of_a_segment(void **state) {
    (void)state;
    struct gw_buf path;
    gw_buf_init(&path, 1024);
    assert_int_equal(cli_api_url_append_segment(&path, GW_STR("cl/a?b#c%d e\xC3\xA9\n~.-_9")),
                     GW_OK);
    assert_int_equal(gw_buf_append(&path, "", 1), GW_OK);
    assert_string_equal(gw_buf_bytes(&path).at, "/cl%2Fa%3Fb%23c%25d%20e%C3%A9%0A~.-_9");
    gw_buf_deinit(&path);
}

static void test_an_address_compares_without_what_does_not_count(void **state) {
    (void)state;
    static const char *const addresses[][2] = {
        {"https://Reg.Example:443/", "https://reg.example"},
        {"https://reg.example/api/v1", "https://reg.example"},
        {"http://[::1]:80/api/v1/", "http://[::1]"},
        {"https://reg.example:8443/Prefix/", "https://reg.example:8443/Prefix"},
        {"HTTPS://REG.EXAMPLE", "https://reg.example"},
    };
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        char base[CLI_API_URL_BYTES_MAX];
        char address[CLI_API_URL_BYTES_MAX];
        struct cli_reason why;
        assert_int_equal(cli_api_url_base(addresses[i][0], true, base, &why), CLI_DONE);
        cli_api_url_address(base, address);
        assert_string_equal(address, addresses[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_compares_without_what_does_not_count),
        cmocka_unit_test(test_api_url_takes_an_address_as_people_write_it),
        cmocka_unit_test(test_api_url_refuses_what_is_no_http_address),
        cmocka_unit_test(test_api_url_refuses_user_query_and_fragment_without_showing_them),
        cmocka_unit_test(test_api_url_keeps_tokens_off_plain_http_but_for_this_machine),
        cmocka_unit_test(test_api_url_knows_this_machine),
        cmocka_unit_test(test_api_url_encodes_every_reserved_character_of_a_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
