// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/api_error.h"

static const struct cli_settings settings_of_file = {.base_url = "https://r/api/v1",
                                                     .token_source = CLI_TOKEN_OF_FILE};
static const struct cli_api_context of_file = {.settings = &settings_of_file};

static void assert_said(struct cli_api_response response, const struct cli_api_context *context,
                        const char *wanted) {
    struct cli_reason why = {.text = ""};
    assert_int_not_equal(cli_api_error_check(&response, context, &why), CLI_DONE);
    assert_string_equal(why.text, wanted);
    assert_int_equal(why.status, response.status);
    assert_string_equal(why.request_id, response.request_id);
}

#define ERROR_BODY(code, message)                                                                  \
    GW_STR("{\"error\":{\"code\":\"" code "\",\"message\":\"" message "\"}}")

static void test_api_error_lets_success_pass(void **state) {
    (void)state;
    struct cli_reason why = {.text = ""};
    const struct cli_api_response made = {.status = 201, .body = GW_STR("{}")};
    assert_int_equal(cli_api_error_check(&made, &of_file, &why), CLI_DONE);
    assert_string_equal(why.text, "");
}

static void
test_api_error_tells_what_to_do_about_a_refused_token_by_where_it_came_from(void **state) {
    (void)state;
    const struct cli_api_response refused = {
        .status = 401,
        .body = ERROR_BODY("invalid_token", "The token is not valid."),
        .request_id = "r-1",
        .retry_after_s = -1};
    struct cli_settings settings = settings_of_file;
    const struct cli_api_context context = {.settings = &settings};
    assert_said(refused, &context,
                "the token was refused (The token is not valid; request r-1), "
                "run: skillreg login --token");
    settings.token_source = CLI_TOKEN_OF_ENVIRONMENT;
    assert_said(refused, &context,
                "the token in SKILLREG_TOKEN was refused (The token is not valid; request r-1), "
                "set another one, or unset it and run: skillreg login --token");
    settings.token_source = CLI_TOKEN_OF_LOGIN;
    assert_said(refused, &context,
                "the token was refused (The token is not valid; request r-1), nothing was stored");
}

static void test_api_error_has_a_sentence_for_each_kind_of_refusal(void **state) {
    (void)state;
    struct cli_api_context context = of_file;
    struct cli_api_response answer = {.status = 403, .retry_after_s = -1};
    answer.body = ERROR_BODY("insufficient_scope", "This needs the admin scope.");
    assert_said(answer, &context,
                "the token may not do this (This needs the admin scope), use a "
                "token with that scope");
    answer.body = ERROR_BODY("address_not_allowed", "Not from here.");
    assert_said(answer, &context,
                "the token may not do this (Not from here), use it from an address that it allows");
    answer.body = ERROR_BODY("self_rotation_not_allowed", "Not by itself.");
    assert_said(answer, &context,
                "the token may not do this (Not by itself), ask an admin to rotate it");
    answer.body = ERROR_BODY("org_mismatch", "The token belongs to another organisation.");
    assert_said(answer, &context,
                "the token may not do this (The token belongs to another "
                "organisation), use a token of that organisation");
    answer.body = ERROR_BODY("another_reason", "The token is not for this address.");
    assert_said(answer, &context, "the token may not do this (The token is not for this address)");
    answer.status = 409;
    answer.body = ERROR_BODY("already_rotated", "The token has a successor.");
    assert_said(answer, &context, "the gateway refused the request (The token has a successor)");
    context.hint = "skillreg token list shows it";
    assert_said(answer, &context,
                "the gateway refused the request (The token has a successor), "
                "skillreg token list shows it");
    answer.status = 404;
    answer.body = ERROR_BODY("not_found", "No such token.");
    context.hint = "skillreg token list shows the ids";
    assert_said(answer, &context, "not found (No such token), skillreg token list shows the ids");
    answer.body = GW_STR("<h1>Not found</h1>");
    assert_said(answer, &context, "not found, check the address of the gateway");
    answer.status = 422;
    answer.body = ERROR_BODY("invalid_name", "name has control characters");
    assert_said(answer, &context, "the gateway refused the request (name has control characters)");
    answer.status = 302;
    answer.body = GW_STR("");
    assert_said(answer, &context,
                "https://r/api/v1 answers with a redirect, which is not followed "
                "with a token, set the address it leads to");
    answer.status = 502;
    assert_said(answer, &context, "https://r/api/v1 answered with status 502, try again later");
    answer.status = 405;
    assert_said(answer, &context,
                "https://r/api/v1 answered with status 405, check the address of the gateway");
}

static void test_api_error_says_where_a_wrong_organisation_came_from(void **state) {
    (void)state;
    static const struct {
        enum cli_setting_place found;
        const char *place;
    } cases[] = {{CLI_SETTING_IN_FLAG, "--org"},
                 {CLI_SETTING_IN_ENVIRONMENT, "SKILLREG_ORG"},
                 {CLI_SETTING_IN_FILE, "\"org\" in /etc/config.json"}};
    const struct cli_api_response answer = {
        .status = 403, .body = ERROR_BODY("org_mismatch", "No."), .retry_after_s = -1};
    struct cli_settings settings = {.org = "globex", .file = "/etc/config.json"};
    const struct cli_api_context context = {.settings = &settings};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char wanted[256];
        (void)snprintf(wanted, sizeof(wanted),
                       "the token may not do this (No), \"globex\" comes from %s: change that, or "
                       "use a token of that organisation",
                       cases[i].place);
        settings.org_place = cases[i].found;
        assert_said(answer, &context, wanted);
    }
}

static void test_api_error_says_when_to_try_again(void **state) {
    (void)state;
    struct cli_api_response busy = {
        .status = 429, .body = ERROR_BODY("rate_limited", "Slow down."), .retry_after_s = 1};
    assert_said(busy, &of_file, "too many requests (Slow down), try again in 1 second");
    busy.status = 503;
    busy.retry_after_s = 5;
    busy.body = ERROR_BODY("unavailable", "The database is away.");
    assert_said(busy, &of_file,
                "the gateway cannot answer now (The database is away), try again in 5 seconds");
    busy.retry_after_s = -1;
    assert_said(busy, &of_file,
                "the gateway cannot answer now (The database is away), try again later");
}

static void test_api_error_does_without_a_body_that_makes_sense(void **state) {
    (void)state;
    static const char *const bodies[] = {"",
                                         "<html>",
                                         "[]",
                                         "{}",
                                         "{\"error\":1}",
                                         "{\"error\":{\"message\":5}}",
                                         "{\"error\":{\"message\":\"a\"},}"};
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        const struct cli_api_response answer = {
            .status = 422, .body = gw_str_from(bodies[i]), .retry_after_s = -1};
        assert_said(answer, &of_file,
                    "the gateway refused the request (HTTP 422), check its address");
    }
}

static void test_api_error_has_an_exit_code_for_what_scripts_tell_apart(void **state) {
    (void)state;
    static const struct {
        long status;
        enum cli_exit exit;
    } cases[] = {
        {302, CLI_FAILED},      {400, CLI_FAILED},      {401, CLI_UNAUTHENTICATED},
        {403, CLI_FORBIDDEN},   {404, CLI_NOT_FOUND},   {405, CLI_FAILED},
        {409, CLI_CONFLICT},    {413, CLI_FAILED},      {415, CLI_FAILED},
        {422, CLI_FAILED},      {429, CLI_UNAVAILABLE}, {500, CLI_FAILED},
        {501, CLI_FAILED},      {502, CLI_UNAVAILABLE}, {503, CLI_UNAVAILABLE},
        {504, CLI_UNAVAILABLE}, {505, CLI_FAILED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cli_reason why = {.text = ""};
        const struct cli_api_response answer = {
            .status = cases[i].status, .body = GW_STR(""), .retry_after_s = -1};
        assert_int_equal(cli_api_error_check(&answer, &of_file, &why), cases[i].exit);
    }
}

static void test_api_error_keeps_the_code_as_it_came(void **state) {
    (void)state;
    struct cli_reason why = {.text = ""};
    struct cli_api_response answer = {
        .status = 409, .body = ERROR_BODY("last_admin", "No."), .retry_after_s = -1};
    assert_int_equal(cli_api_error_check(&answer, &of_file, &why), CLI_CONFLICT);
    assert_string_equal(why.code, "last_admin");
    answer.body = GW_STR("<html>");
    assert_int_equal(cli_api_error_check(&answer, &of_file, &why), CLI_CONFLICT);
    assert_string_equal(why.code, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_error_lets_success_pass),
        cmocka_unit_test(
            test_api_error_tells_what_to_do_about_a_refused_token_by_where_it_came_from),
        cmocka_unit_test(test_api_error_has_a_sentence_for_each_kind_of_refusal),
        cmocka_unit_test(test_api_error_says_where_a_wrong_organisation_came_from),
        cmocka_unit_test(test_api_error_says_when_to_try_again),
        cmocka_unit_test(test_api_error_does_without_a_body_that_makes_sense),
        cmocka_unit_test(test_api_error_has_an_exit_code_for_what_scripts_tell_apart),
        cmocka_unit_test(test_api_error_keeps_the_code_as_it_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
