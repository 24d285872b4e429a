// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/near_miss.h"

#define WORDS_MAX 3

static enum cli_command near(const char *first, const char *second) {
    const char *words[] = {first, second};
    return cli_near_miss_command(words, second == NULL ? 1 : 2);
}

static void test_near_miss_mends_a_slip(void **state) {
    (void)state;
    assert_int_equal(near("tokens", NULL), CLI_COMMAND_TOKEN);
    assert_int_equal(near("whoamy", NULL), CLI_COMMAND_WHOAMI);
    assert_int_equal(near("token", "lsit"), CLI_COMMAND_TOKEN_LIST);
    assert_int_equal(near("token", "revokes"), CLI_COMMAND_TOKEN_REVOKE);
    assert_int_equal(near("tokenlist", NULL), CLI_COMMAND_TOKEN_LIST);
    assert_int_equal(near("tokens", "list"), CLI_COMMAND_TOKEN_LIST);
    assert_int_equal(near("tokens", "nothing"), CLI_COMMAND_TOKEN);
}

static void test_near_miss_finds_a_command_without_its_group(void **state) {
    (void)state;
    assert_int_equal(near("revoke", "clx7f2k3a"), CLI_COMMAND_TOKEN_REVOKE);
    assert_int_equal(near("creat", NULL), CLI_COMMAND_TOKEN_CREATE);
}

static void test_near_miss_knows_other_words(void **state) {
    (void)state;
    assert_int_equal(near("token", "delete"), CLI_COMMAND_TOKEN_REVOKE);
    assert_int_equal(near("delete", NULL), CLI_COMMAND_TOKEN_REVOKE);
    assert_int_equal(near("token", "new"), CLI_COMMAND_TOKEN_CREATE);
}

static void test_near_miss_leaves_alone_what_is_far(void **state) {
    (void)state;
    assert_int_equal(near("kubectl", NULL), CLI_COMMAND_NONE);
    assert_int_equal(near("token", "whoami"), CLI_COMMAND_NONE);
    assert_int_equal(near("", NULL), CLI_COMMAND_NONE);
    assert_int_equal(near("token", ""), CLI_COMMAND_NONE);
    assert_int_equal(near("token", "a"), CLI_COMMAND_NONE);
}

static void test_near_miss_sees_an_operand_without_its_blank(void **state) {
    (void)state;
    assert_int_equal(cli_near_miss_glued((const char *[]){"token", "revokeclx7f2k3a"}, 2),
                     CLI_COMMAND_TOKEN_REVOKE);
    assert_int_equal(cli_near_miss_glued((const char *[]){"token", "revokes"}, 2),
                     CLI_COMMAND_NONE);
    assert_int_equal(cli_near_miss_glued((const char *[]){"token", "listclx7f2k3a"}, 2),
                     CLI_COMMAND_NONE);
}

static void test_near_miss_says_what_was_meant(void **state) {
    (void)state;
    static const struct {
        const char *words[WORDS_MAX];
        size_t count;
        const char *text;
    } cases[] = {
        {{"token", "delete", "a"},
         3,
         "unknown command \"token delete\", did you mean \"token revoke\"?"},
        {{"tokens"}, 1, "unknown command \"tokens\", did you mean \"token\"?"},
        {{"token", "revokeclx7f2k3a"},
         2,
         "unknown command \"token revokeclx7f2k3a\": a space is missing after \"token revoke\""},
        {{"kubectl"}, 1, "unknown command \"kubectl\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct cli_reason why;
        assert_int_equal(cli_near_miss_fail(cases[i].words, cases[i].count, &why), CLI_USAGE);
        assert_string_equal(why.text, cases[i].text);
    }
}

static void test_near_miss_mends_a_flag_of_another_command(void **state) {
    (void)state;
    assert_int_equal(cli_near_miss_flag_of(GW_STR("scope"), CLI_COMMAND_TOKEN_CREATE),
                     CLI_FLAG_SCOPES);
    assert_int_equal(cli_near_miss_flag_of(GW_STR("scopes"), CLI_COMMAND_WHOAMI), CLI_FLAG_COUNT);
}

static void test_near_miss_mends_a_flag(void **state) {
    (void)state;
    assert_int_equal(cli_near_miss_flag(GW_STR("permissions")), CLI_FLAG_SCOPES);
    assert_int_equal(cli_near_miss_flag(GW_STR("ttl")), CLI_FLAG_EXPIRES);
    assert_int_equal(cli_near_miss_flag(GW_STR("exp")), CLI_FLAG_EXPIRES);
    assert_int_equal(cli_near_miss_flag(GW_STR("jsno")), CLI_FLAG_JSON);
    assert_int_equal(cli_near_miss_flag(GW_STR("colour")), CLI_FLAG_COUNT);
    assert_int_equal(cli_near_miss_flag(GW_STR("")), CLI_FLAG_COUNT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_near_miss_mends_a_slip),
        cmocka_unit_test(test_near_miss_finds_a_command_without_its_group),
        cmocka_unit_test(test_near_miss_knows_other_words),
        cmocka_unit_test(test_near_miss_leaves_alone_what_is_far),
        cmocka_unit_test(test_near_miss_sees_an_operand_without_its_blank),
        cmocka_unit_test(test_near_miss_says_what_was_meant),
        cmocka_unit_test(test_near_miss_mends_a_flag_of_another_command),
        cmocka_unit_test(test_near_miss_mends_a_flag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
