// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/stored_login.h"

static char path[64];

static int make_path(void **state) {
    (void)state;
    strcpy(path, "/tmp/skillreg-test-XXXXXX");
    int descriptor = mkstemp(path);
    return descriptor < 0 || close(descriptor) != 0;
}

static int remove_path(void **state) {
    (void)state;
    return unlink(path);
}

static void open_with(struct cli_config_file *file, const char *text) {
    struct cli_reason why = {.text = ""};
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
    if (cli_config_file_open(file, path, &why) != CLI_DONE)
        fail_msg("%s", why.text);
}

static const char both[] =
    "{\"apiUrl\": \"https://A.example/api/v1/\", \"token\": \"of a\", \"org\": \"acme\", "
    "\"gateways\": {\"https://b.example\": {\"token\": \"of b\"}}}";

// NULL: none.
static void assert_found(const char *text, const char *base_url, const char *token,
                         const char *org) {
    struct cli_config_file file;
    struct cli_stored_login stored;
    struct cli_reason why;
    open_with(&file, text);
    assert_int_equal(cli_stored_login_find(&file, base_url, &stored, &why), CLI_DONE);
    assert_int_equal(stored.token.at == NULL, token == NULL);
    if (token != NULL)
        assert_true(gw_str_equal(stored.token, gw_str_from(token)));
    assert_int_equal(stored.org.at == NULL, org == NULL);
    if (org != NULL)
        assert_true(gw_str_equal(stored.org, gw_str_from(org)));
    cli_config_file_close(&file);
}

static void test_a_token_is_found_by_its_own_address_alone(void **state) {
    (void)state;
    assert_found(both, "https://a.example/api/v1", "of a", "acme");
    assert_found(both, "https://a.example:443/api/v1", "of a", "acme");
    assert_found(both, "https://b.example/api/v1", "of b", NULL);
    assert_found(both, "https://c.example/api/v1", NULL, NULL);
    assert_found(both, "http://a.example/api/v1", NULL, NULL);
    assert_found(both, "https://a.example:8443/api/v1", NULL, NULL);
    assert_found(both, "https://a.example/prefix/api/v1", NULL, NULL);
    assert_found(both, "https://a.example.evil/api/v1", NULL, NULL);
}

static void test_a_token_without_an_address_is_found_by_none(void **state) {
    (void)state;
    assert_found("{\"token\": \"t\", \"org\": \"acme\"}", "https://a.example/api/v1", NULL, "acme");
    static const char *const texts[] = {"{\"token\": \"t\"}",
                                        "{\"token\": \"t\", \"apiUrl\": \"ftp://a.example\"}",
                                        "{\"token\": \"t\", \"apiUrl\": \"\"}"};
    struct cli_config_file file;
    struct cli_stored_login stored;
    struct cli_reason why;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_found(texts[i], "https://a.example/api/v1", NULL, NULL);
    open_with(&file, texts[0]);
    assert_int_equal(cli_stored_login_find(&file, "https://a.example/api/v1", &stored, &why),
                     CLI_DONE);
    assert_true(stored.is_token_homeless);
    cli_config_file_close(&file);
}

static void assert_put(const char *before, const char *base_url, const char *after) {
    struct cli_config_file file;
    struct cli_reason why;
    open_with(&file, before);
    assert_int_equal(cli_stored_login_put(&file, base_url, GW_STR("new"), &why), CLI_DONE);
    assert_true(gw_str_equal(gw_buf_bytes(&file.text), gw_str_from(after)));
    cli_config_file_close(&file);
}

static void test_a_token_is_put_beside_its_address(void **state) {
    (void)state;
    assert_put("{}", "https://A.example:443/api/v1",
               "{\n  \"apiUrl\": \"https://a.example\",\n  \"token\": \"new\"\n}");
    assert_put("{\"token\":\"homeless\"}", "https://a.example/api/v1",
               "{\"token\":\"new\",\"apiUrl\": \"https://a.example\"}");
    assert_put("{\"apiUrl\":\"https://a.example/\"}", "https://a.example/api/v1",
               "{\"apiUrl\":\"https://a.example/\",\"token\": \"new\"}");
    assert_put("{\"apiUrl\":\"https://a.example\",\"token\":\"of a\"}", "https://b.example/api/v1",
               "{\"apiUrl\":\"https://a.example\",\"token\":\"of a\",\"gateways\": "
               "{\"https://b.example\": {\"token\": \"new\"}}}");
}

static void test_a_token_is_forgotten_where_it_stands_and_nothing_else(void **state) {
    (void)state;
    static const char text[] =
        "{\"apiUrl\":\"https://a.example\",\"token\":\"of a\",\"org\":\"acme\","
        "\"gateways\":{\"https://b.example\":{\"token\":\"of b\"}}}";
    struct cli_config_file file;
    struct cli_reason why = {.text = ""};
    open_with(&file, text);
    assert_int_equal(cli_stored_login_forget(&file, "https://c.example/api/v1", &why), CLI_DONE);
    assert_true(gw_str_equal(gw_buf_bytes(&file.text), GW_STR(text)));
    assert_int_equal(cli_stored_login_forget(&file, "https://A.example/api/v1", &why), CLI_DONE);
    assert_true(
        gw_str_equal(gw_buf_bytes(&file.text),
                     GW_STR("{\"apiUrl\":\"https://a.example\",\"org\":\"acme\",\"gateways\":{"
                            "\"https://b.example\":{\"token\":\"of b\"}}}")));
    assert_int_equal(cli_stored_login_forget(&file, "https://b.example/api/v1", &why), CLI_DONE);
    assert_true(
        gw_str_equal(gw_buf_bytes(&file.text),
                     GW_STR("{\"apiUrl\":\"https://a.example\",\"org\":\"acme\",\"gateways\":{"
                            "\"https://b.example\":{}}}")));
    cli_config_file_close(&file);
}

#define WITH_PATH(test) cmocka_unit_test_setup_teardown(test, make_path, remove_path)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_PATH(test_a_token_is_found_by_its_own_address_alone),
        WITH_PATH(test_a_token_without_an_address_is_found_by_none),
        WITH_PATH(test_a_token_is_put_beside_its_address),
        WITH_PATH(test_a_token_is_forgotten_where_it_stands_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
