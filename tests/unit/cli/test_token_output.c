// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/token_output.h"

#define SECRET "sr_live_aaaaaaaaaaaaaaaaaaaaaaaa"

static char env_path[64];

static int set_up(void **state) {
    (void)state;
    strcpy(env_path, "/tmp/skillreg-test-XXXXXX");
    int file = mkstemp(env_path);
    return file < 0 || close(file) != 0 || unsetenv("GITHUB_ENV") != 0;
}

static int tear_down(void **state) {
    (void)state;
    return unlink(env_path);
}

static void assert_put(enum cli_token_output output, const char *wanted) {
    struct cli_output out;
    struct cli_reason why;
    cli_output_init(&out);
    assert_int_equal(cli_token_output_check(output, &why), CLI_DONE);
    assert_int_equal(cli_token_output_put(output, GW_STR(SECRET), &out, &why), CLI_DONE);
    assert_int_equal(out.status, GW_OK);
    assert_true(gw_str_equal(gw_buf_bytes(&out.bytes), gw_str_from(wanted)));
    cli_output_deinit(&out);
}

static void assert_env_file(const char *wanted) {
    char text[1024];
    FILE *file = fopen(env_path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    (void)fclose(file);
    assert_string_equal(text, wanted);
}

static void test_each_form_is_one_line(void **state) {
    (void)state;
    assert_put(CLI_TOKEN_OUTPUT_SECRET, SECRET "\n");
    assert_put(CLI_TOKEN_OUTPUT_GITLAB, "SKILLREG_TOKEN=" SECRET "\n");
    assert_put(CLI_TOKEN_OUTPUT_DOTENV, "SKILLREG_TOKEN='" SECRET "'\n");
}

static void test_a_github_job_prints_the_mask_and_nothing_else(void **state) {
    (void)state;
    assert_int_equal(setenv("GITHUB_ENV", env_path, 1), 0);
    assert_put(CLI_TOKEN_OUTPUT_GITHUB, "::add-mask::" SECRET "\n");
    assert_env_file("\nSKILLREG_TOKEN=" SECRET "\n");
}

static void test_a_line_without_an_end_stays_a_line_of_its_own(void **state) {
    (void)state;
    FILE *file = fopen(env_path, "w");
    assert_non_null(file);
    assert_true(fputs("A=b", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(setenv("GITHUB_ENV", env_path, 1), 0);
    assert_put(CLI_TOKEN_OUTPUT_GITHUB, "::add-mask::" SECRET "\n");
    assert_env_file("A=b\nSKILLREG_TOKEN=" SECRET "\n");
}

static void test_elsewhere_the_mask_comes_first(void **state) {
    (void)state;
    if (isatty(STDOUT_FILENO))
        skip(); // refused there
    assert_put(CLI_TOKEN_OUTPUT_GITHUB, "::add-mask::" SECRET "\nSKILLREG_TOKEN=" SECRET "\n");
}

static void test_a_file_that_cannot_be_written_is_told_before(void **state) {
    (void)state;
    struct cli_reason why;
    assert_int_equal(setenv("GITHUB_ENV", "/nonexistent/file", 1), 0);
    assert_int_equal(cli_token_output_check(CLI_TOKEN_OUTPUT_GITHUB, &why), CLI_FAILED);
    assert_string_equal(
        why.text,
        "cannot write to the file of GITHUB_ENV, /nonexistent/file: No such file or directory");
    assert_int_equal(cli_token_output_check(CLI_TOKEN_OUTPUT_GITLAB, &why), CLI_DONE);
}

static void test_what_is_no_token_is_handed_to_nobody(void **state) {
    (void)state;
    static const char *const secrets[] = {SECRET "\nPATH=/evil", SECRET "'; rm -rf '", "",
                                          "::stop-commands::x"};
    assert_int_equal(setenv("GITHUB_ENV", env_path, 1), 0);
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        for (int output = CLI_TOKEN_OUTPUT_SECRET; output <= CLI_TOKEN_OUTPUT_DOTENV; output++) {
            struct cli_output out;
            struct cli_reason why;
            cli_output_init(&out);
            assert_int_equal(cli_token_output_put((enum cli_token_output)output,
                                                  gw_str_from(secrets[i]), &out, &why),
                             CLI_FAILED);
            assert_int_equal(gw_buf_length(&out.bytes), 0);
            cli_output_deinit(&out);
        }
    }
    assert_env_file("");
}

static void test_a_form_is_one_of_three(void **state) {
    (void)state;
    enum cli_token_output output;
    struct cli_reason why;
    assert_int_equal(cli_token_output_parse(NULL, &output, &why), CLI_DONE);
    assert_int_equal(output, CLI_TOKEN_OUTPUT_TEXT);
    assert_int_equal(cli_token_output_parse("gitlab", &output, &why), CLI_DONE);
    assert_int_equal(output, CLI_TOKEN_OUTPUT_GITLAB);
    assert_int_equal(cli_token_output_parse("GitHub", &output, &why), CLI_USAGE);
    assert_string_equal(why.text, "--output takes one of github, gitlab, dotenv");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_each_form_is_one_line),
        TEST(test_a_github_job_prints_the_mask_and_nothing_else),
        TEST(test_a_line_without_an_end_stays_a_line_of_its_own),
        TEST(test_elsewhere_the_mask_comes_first),
        TEST(test_a_file_that_cannot_be_written_is_told_before),
        TEST(test_what_is_no_token_is_handed_to_nobody),
        TEST(test_a_form_is_one_of_three),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
