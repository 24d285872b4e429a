// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cli/settings.h"

#define TOKEN "sr_live_aaaaaaaaaaaaaaaaaaaaaaaa"

// No file is read where everything is set: HOME leads nowhere.
static int set_environment(void **state) {
    (void)state;
    return clearenv() != 0 || setenv("HOME", "/dev/null", 1) != 0 ||
           setenv("SKILLREG_URL", "https://gateway.invalid/", 1) != 0 ||
           setenv("SKILLREG_TOKEN", TOKEN, 1) != 0 || setenv("SKILLREG_ORG", "acme", 1) != 0;
}

static struct cli_settings loaded(const struct cli_options *options) {
    struct cli_settings settings;
    struct cli_reason why;
    if (cli_settings_load(&settings, options, &why) != CLI_DONE)
        fail_msg("refused: %s", why.text);
    return settings;
}

static void assert_refused(const struct cli_options *options, const char *reason) {
    struct cli_settings settings;
    struct cli_reason why;
    assert_int_equal(cli_settings_load(&settings, options, &why), CLI_USAGE);
    if (strstr(why.text, reason) == NULL)
        fail_msg("%s", why.text);
}

static void test_the_environment_is_enough(void **state) {
    (void)state;
    const struct cli_options options = {.command = CLI_COMMAND_TOKEN_LIST};
    struct cli_settings settings = loaded(&options);
    assert_string_equal(settings.base_url, "https://gateway.invalid/api/v1");
    assert_string_equal(settings.token, TOKEN);
    assert_int_equal(settings.token_source, CLI_TOKEN_OF_ENVIRONMENT);
    assert_string_equal(settings.org, "acme");
    assert_int_equal(settings.org_place, CLI_SETTING_IN_ENVIRONMENT);
    assert_string_equal(settings.ca_file, "");
    cli_settings_deinit(&settings);
    assert_int_equal(settings.token[0], '\0');
}

static void test_a_flag_goes_before_the_environment(void **state) {
    (void)state;
    setenv("SSL_CERT_FILE", "/variable.pem", 1);
    const struct cli_options options = {.command = CLI_COMMAND_TOKEN_LIST,
                                        .values = {[CLI_FLAG_URL] = "https://other.invalid",
                                                   [CLI_FLAG_ORG] = "globex",
                                                   [CLI_FLAG_CA_FILE] = "/dev/null"}};
    struct cli_settings settings = loaded(&options);
    assert_string_equal(settings.base_url, "https://other.invalid/api/v1");
    assert_string_equal(settings.org, "globex");
    assert_int_equal(settings.org_place, CLI_SETTING_IN_FLAG);
    assert_string_equal(settings.ca_file, "/dev/null");
    cli_settings_deinit(&settings);
}

static void test_login_needs_no_token_and_whoami_no_organisation(void **state) {
    (void)state;
    const struct cli_options login = {.command = CLI_COMMAND_LOGIN};
    const struct cli_options whoami = {.command = CLI_COMMAND_WHOAMI};
    setenv("SKILLREG_ORG", "not a slug", 1);
    struct cli_settings settings = loaded(&whoami);
    assert_string_equal(settings.org, "");
    cli_settings_deinit(&settings);
    unsetenv("SKILLREG_TOKEN");
    settings = loaded(&login);
    assert_string_equal(settings.token, "");
    assert_int_equal(settings.token_source, CLI_TOKEN_OF_LOGIN);
}

static void test_logout_needs_no_address(void **state) {
    (void)state;
    const struct cli_options logout = {.command = CLI_COMMAND_LOGOUT};
    unsetenv("SKILLREG_TOKEN");
    struct cli_settings settings = loaded(&logout);
    assert_string_equal(settings.base_url, "https://gateway.invalid/api/v1");
    unsetenv("SKILLREG_URL");
    setenv("SKILLREG_CONFIG", "/dev/null/none", 1);
    struct cli_reason why;
    assert_int_equal(cli_settings_load(&settings, &logout, &why), CLI_FAILED); // cannot be read
    setenv("SKILLREG_CONFIG", "/nonexistent/config.json", 1);
    settings = loaded(&logout);
    assert_string_equal(settings.base_url, "");
}

static void test_a_setting_that_cannot_be_right_is_refused(void **state) {
    (void)state;
    const struct cli_options list = {.command = CLI_COMMAND_TOKEN_LIST};
    static const char *const slugs[] = {
        "a",    "-acme", "acme-",
        "Acme", "ac_me", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof(slugs) / sizeof(slugs[0]); i++) {
        setenv("SKILLREG_ORG", slugs[i], 1);
        assert_refused(&list, "is not the slug of an organisation");
    }
    setenv("SKILLREG_ORG", "acme", 1);
    setenv("SKILLREG_TOKEN", "two words", 1);
    assert_refused(&list, "SKILLREG_TOKEN is not a token");
    setenv("SKILLREG_TOKEN", TOKEN, 1);
    setenv("SKILLREG_URL", "http://gateway.invalid", 1);
    assert_refused(&list, "SKILLREG_URL: the gateway's address is http://");
    setenv("SKILLREG_URL", "'https://gateway.invalid'", 1);
    assert_refused(&list, "SKILLREG_URL is not an address: it is in quotes");
    setenv("SKILLREG_URL", "https://gateway.invalid", 1);
    setenv("SKILLREG_ORG", "$ORG", 1);
    assert_refused(&list,
                   "SKILLREG_ORG is not the slug of an organisation: it is the name of a variable");
}

static void test_white_space_around_a_token_does_not_count(void **state) {
    (void)state;
    struct cli_settings settings = {.token_source = CLI_TOKEN_OF_LOGIN};
    struct cli_reason why;
    assert_int_equal(cli_settings_set_token(&settings, GW_STR(" \t" TOKEN "\r\n"), &why), CLI_DONE);
    assert_string_equal(settings.token, TOKEN);
    assert_int_equal(cli_settings_set_token(&settings, GW_STR(" \n"), &why), CLI_USAGE);
    assert_int_equal(cli_settings_set_token(&settings, GW_STR("caf\xc3\xa9"), &why), CLI_USAGE);
}

#define settings_test(function) cmocka_unit_test_setup(function, set_environment)

int main(void) {
    const struct CMUnitTest tests[] = {
        settings_test(test_the_environment_is_enough),
        settings_test(test_a_flag_goes_before_the_environment),
        settings_test(test_login_needs_no_token_and_whoami_no_organisation),
        settings_test(test_logout_needs_no_address),
        settings_test(test_a_setting_that_cannot_be_right_is_refused),
        settings_test(test_white_space_around_a_token_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
