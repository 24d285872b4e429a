// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/arguments.h"

#define ARGUMENTS_MAX 16

// Splits `line` at blanks; "''" stands for an empty argument. The options point into static memory:
// one line at a time.
static enum cli_exit parse(const char *line, struct cli_options *options, struct cli_reason *why) {
    static char memory[512];
    char *arguments[ARGUMENTS_MAX] = {(char[]){"skillreg"}};
    int count = 1;
    assert_true(strlen(line) < sizeof(memory));
    strcpy(memory, line);
    for (char *word = strtok(memory, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_true(count < ARGUMENTS_MAX);
        arguments[count++] = strcmp(word, "''") == 0 ? word + 2 : word;
    }
    why->text[0] = '\0';
    return cli_arguments_parse(count, arguments, options, why);
}

static struct cli_options parsed(const char *line) {
    struct cli_options options;
    struct cli_reason why;
    enum cli_exit exit = parse(line, &options, &why);
    if (exit != CLI_DONE)
        fail_msg("\"%s\" is refused: %s", line, why.text);
    return options;
}

static void assert_refused(const char *line, const char *reason) {
    struct cli_options options;
    struct cli_reason why;
    assert_int_equal(parse(line, &options, &why), CLI_USAGE);
    assert_string_equal(why.text, reason);
}

static void test_arguments_reads_every_command(void **state) {
    (void)state;
    static const struct {
        const char *line;
        enum cli_command command;
    } cases[] = {
        {"token create --name ci", CLI_COMMAND_TOKEN_CREATE},
        {"token list", CLI_COMMAND_TOKEN_LIST},
        {"token update clx7f2k3a --name ci", CLI_COMMAND_TOKEN_UPDATE},
        {"token rotate clx7f2k3a", CLI_COMMAND_TOKEN_ROTATE},
        {"token revoke clx7f2k3a", CLI_COMMAND_TOKEN_REVOKE},
        {"token revoke --self", CLI_COMMAND_TOKEN_REVOKE},
        {"audit", CLI_COMMAND_AUDIT},
        {"whoami", CLI_COMMAND_WHOAMI},
        {"login", CLI_COMMAND_LOGIN},
        {"login --token", CLI_COMMAND_LOGIN},
        {"approve BCDF-2345", CLI_COMMAND_APPROVE},
        {"login --oidc", CLI_COMMAND_LOGIN},
        {"exec --oidc -- make publish", CLI_COMMAND_EXEC},
        {"token ls", CLI_COMMAND_TOKEN_LIST},
        {"token rm clx7f2k3a", CLI_COMMAND_TOKEN_REVOKE},
        {"help", CLI_COMMAND_NONE},
        {"help token", CLI_COMMAND_TOKEN},
        {"help token create", CLI_COMMAND_TOKEN_CREATE},
        {"help token rm", CLI_COMMAND_TOKEN_REVOKE},
        {"help help", CLI_COMMAND_HELP},
        {"logout --revoke", CLI_COMMAND_LOGOUT},
        {"--help", CLI_COMMAND_NONE},
        {"token --help", CLI_COMMAND_TOKEN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(parsed(cases[i].line).command, cases[i].command);
}

static void test_arguments_takes_values_in_both_forms_and_flags_anywhere(void **state) {
    (void)state;
    struct cli_options options =
        parsed("--json token --org acme create --name=--odd=name --scopes read,admin");
    assert_int_equal(options.command, CLI_COMMAND_TOKEN_CREATE);
    assert_string_equal(options.values[CLI_FLAG_NAME], "--odd=name");
    assert_string_equal(options.values[CLI_FLAG_ORG], "acme");
    assert_true(cli_options_has(&options, CLI_FLAG_JSON));
    assert_false(cli_options_has(&options, CLI_FLAG_URL));
    assert_int_equal(options.scopes, GW_SCOPE_READ | GW_SCOPE_ADMIN);
}

static void test_arguments_defaults_to_read_and_write(void **state) {
    (void)state;
    assert_int_equal(parsed("token create --name ci").scopes, GW_SCOPE_READ | GW_SCOPE_WRITE);
}

static void test_arguments_knows_the_forms_of_a_new_token(void **state) {
    (void)state;
    assert_int_equal(parsed("token create --name ci").output, CLI_TOKEN_OUTPUT_TEXT);
    assert_int_equal(parsed("token create --name ci --json").output, CLI_TOKEN_OUTPUT_TEXT);
    assert_int_equal(parsed("token create --name ci --quiet").output, CLI_TOKEN_OUTPUT_SECRET);
    assert_int_equal(parsed("token rotate clx7f2k3a --output github").output,
                     CLI_TOKEN_OUTPUT_GITHUB);
}

static void test_arguments_ends_flags_at_two_dashes(void **state) {
    (void)state;
    assert_string_equal(parsed("token revoke -- clx7f2k3a").id, "clx7f2k3a");
    assert_string_equal(parsed("token revoke -- --json").id, "--json");
    assert_refused("token revoke -- clx7f2k3a --json",
                   "token revoke takes the id of a token, which is 1 to 32 of a-z and "
                   "0-9: skillreg token list shows it in the last column");
    assert_refused("token revoke --json --", "token revoke needs the id of a token: skillreg token "
                                             "list shows it");
}

static void test_arguments_wants_nothing_more_with_help(void **state) {
    (void)state;
    assert_true(
        cli_options_has((struct cli_options[]){parsed("token create --help")}, CLI_FLAG_HELP));
    assert_true(cli_options_has((struct cli_options[]){parsed("login -h")}, CLI_FLAG_HELP));
    assert_true(cli_options_has((struct cli_options[]){parsed("--version")}, CLI_FLAG_VERSION));
    assert_true(cli_options_has((struct cli_options[]){parsed("-V")}, CLI_FLAG_VERSION));
    assert_true(cli_options_has((struct cli_options[]){parsed("help login")}, CLI_FLAG_HELP));
}

static void test_arguments_refuses_wrong_usage_with_one_clear_line(void **state) {
    (void)state;
    assert_refused("", "no command given");
    assert_refused("--json", "no command given");
    assert_refused("tokne list", "unknown command \"tokne\", did you mean \"token list\"?");
    assert_refused("token lsit", "unknown command \"token lsit\", did you mean \"token list\"?");
    assert_refused("token", "token needs one of create, list, show, update, rotate, revoke");
    assert_refused("token list --colour", "unknown flag --colour");
    assert_refused("token list --colour=red", "unknown flag --colour");
    assert_refused("token list --jsn", "unknown flag --jsn, did you mean --json?");
    assert_refused("help tokens", "unknown command \"tokens\", did you mean \"token\"?");
    assert_refused("help audit more", "unknown command \"audit more\"");
    assert_refused("token list -j", "unknown flag -j");
    assert_refused("token rotate a --name x", "token rotate takes no --name");
    assert_refused("token list extra", "unexpected argument \"extra\"");
    assert_refused("token list a b c d e f", "unexpected argument \"a\"");
    assert_refused("token create", "token create needs --name <name>");
    assert_refused("token create --name", "--name needs a value");
    assert_refused("token create --name --json", "--name needs a value");
    assert_refused("token create --name ''", "--name must not be empty");
    assert_refused("token create --name a --name b", "--name is given twice");
    assert_refused("token create --name a\xff", "--name must be valid UTF-8");
    assert_refused("token create --name ci\xe2\x80\x8b",
                   "--name must not hold an invisible character (U+200B at character 3)");
    assert_refused("token list --json=yes", "--json takes no value");
    assert_refused("token revoke ''",
                   "token revoke needs the id of a token: skillreg token list shows it");
    assert_refused("token rotate",
                   "token rotate needs the id of a token: skillreg token list shows "
                   "it");
    assert_refused("token revoke a --self",
                   "token revoke takes an id or --self (the token that asks), not both");
    assert_refused("token revoke a b --chain",
                   "token revoke takes --chain and --with-successors with one id alone");
    assert_refused("token revoke --self --org acme",
                   "token revoke --self takes no --org: a token belongs to one organisation");
    assert_refused("token rotate --self a",
                   "token rotate takes an id or --self (the token that asks), not both");
    assert_refused("token rotate --self --org acme",
                   "token rotate --self takes no --org: a token belongs to one organisation");
    assert_refused(
        "token rotate a --expires never",
        "token rotate takes no --expires never: without --expires a successor lives as long "
        "as the token before it; create a new token for one without end");
    assert_refused("token update --name ci",
                   "token update needs the id of a token: skillreg token list shows it");
    assert_refused("token update a --wait",
                   "token update needs what to change: --name, --description, --no-description, "
                   "--expires, --scopes or --allow-ip");
    assert_refused("token update a --expires never",
                   "token update takes no --expires never: an end can only come earlier; create a "
                   "new token instead");
    assert_refused("token update a --description b --no-description",
                   "token update takes --description or --no-description, not both");
    assert_refused("token update a --name ''", "--name must not be empty");
    assert_refused("token list --self", "token list takes no --self");
    assert_refused("token create --name a --output env",
                   "--output takes one of github, gitlab, dotenv");
    assert_refused("token list --scope reads", "--scope takes one of read, write, admin");
    assert_refused(
        "token list --sort -created_at",
        "--sort takes one of created, name, lastUsed, expires, -created, -name, -lastUsed, "
        "-expires");
    assert_refused("audit --action delete",
                   "--action takes one of create, import, rotate, revoke, change, expire, "
                   "exchange, trust, untrust, approve");
    assert_refused("token create --name a --quiet --json",
                   "give only one of --json, --quiet and --output");
    assert_refused("token rotate clx7f2k3a --output github --quiet",
                   "give only one of --json, --quiet and --output");
    assert_refused("approve",
                   "approve needs the code that skillreg login shows, such as BCDF-2345");
    assert_refused("approve BCDF2345 BCDF-2346", "unexpected argument \"BCDF-2346\"");
    assert_refused("approve BCDF-2345 --scopes read,admin",
                   "approve takes no scope admin: such a token is made by skillreg token create");
    assert_refused("approve BCDF-2345 --expires never",
                   "approve takes no --expires never: give a time, as 12h");
}

// tests/unit/cli/test_option_values.c has every form of a value.
static void test_arguments_reads_the_values_of_the_command(void **state) {
    (void)state;
    assert_int_equal(parsed("token rotate a --expires 2100-01-01").expiry.at_ms,
                     INT64_C(4102444800000));
    assert_int_equal(parsed("token create --name ci").expiry.kind, CLI_EXPIRY_NOT_GIVEN);
    assert_int_equal(parsed("token update a --expires 2100-01-01").expiry.at_ms,
                     INT64_C(4102444800000));
    assert_int_equal(parsed("token update a --name b").scopes, 0);
    assert_int_equal(parsed("token update a --scopes read").scopes, GW_SCOPE_READ);
    assert_int_equal(parsed("token update a --allow-ip 10.0.0.1").allowed_ip_count, 1);
    assert_int_equal(parsed("token rotate a --overlap 30m").overlap_s, 1800);
    assert_int_equal(parsed("token rotate a").overlap_s, 86400);
    assert_int_equal(parsed("audit --limit 10000").limit, 10000);
    assert_int_equal(parsed("token list").limit, 0);
    assert_int_equal(parsed("token list --limit 7 --name x").limit, 7);
    assert_int_equal(parsed("audit").limit, 50);
    assert_refused("token create --name ci --expires 2026-01-01",
                   "--expires lies in the past, name a later time (a date begins at 00:00 UTC)");
    assert_refused("token list --expires 90d", "token list takes no --expires");
    assert_refused("audit --limit 0", "--limit takes a number from 1 to 10000");
    assert_refused("token list --limit 10001", "--limit takes a number from 1 to 10000");
    assert_refused("token rotate a --overlap 3600",
                   "--overlap takes a duration of whole seconds such as 24h or 30m, or 0");
    assert_refused("token create --name ci --scopes read,owner",
                   "unknown scope \"owner\": a token has read, write, admin, or some of them "
                   "joined by commas");
    assert_refused("token revoke sr_live_SECR",
                   "token revoke takes the id of a token, never the token or its prefix: skillreg "
                   "token list shows it in the last column");
}

static void test_arguments_gathers_every_allowed_address(void **state) {
    (void)state;
    struct cli_options options =
        parsed("token create --allow-ip 10.0.0.0/8 --name ci --allow-ip=2001:db8::1");
    assert_int_equal(options.allowed_ip_count, 2);
    assert_string_equal(options.allowed_ips[0], "10.0.0.0/8");
    assert_string_equal(options.allowed_ips[1], "2001:db8::1");
    const char *value;
    size_t at = 0;
    assert_true(cli_options_next(&options, CLI_FLAG_ALLOW_IP, &at, &value));
    assert_string_equal(value, "10.0.0.0/8");
    assert_true(cli_options_next(&options, CLI_FLAG_ALLOW_IP, &at, &value));
    assert_string_equal(value, "2001:db8::1");
    assert_false(cli_options_next(&options, CLI_FLAG_ALLOW_IP, &at, &value));
    assert_refused("token create --name ci --allow-ip", "--allow-ip needs a value");
    assert_refused("token create --name ci --allow-ip ''", "--allow-ip must not be empty");
    assert_refused("token rotate a --allow-ip ::1", "token rotate takes no --allow-ip");

    char *arguments[2 * GW_ALLOWED_IPS_MAX + 7] = {
        (char[]){"skillreg"}, (char[]){"token"}, (char[]){"create"},
        (char[]){"--name"},   (char[]){"ci"},
    };
    char flag[] = "--allow-ip";
    char address[] = "::1";
    struct cli_reason why;
    for (size_t i = 5; i < sizeof(arguments) / sizeof(arguments[0]); i++)
        arguments[i] = i % 2 == 1 ? flag : address;
    assert_int_equal(
        cli_arguments_parse(sizeof(arguments) / sizeof(arguments[0]), arguments, &options, &why),
        CLI_USAGE);
    assert_string_equal(why.text, "--allow-ip is given more than 32 times, name larger networks");
}

static void test_arguments_never_repeats_what_may_be_a_token(void **state) {
    (void)state;
    static const char *const lines[] = {
        "login sr_live_SECRETSECRETSECRETSECRET",
        "login --token sr_live_SECRETSECRETSECRETSECRET",
        "login --token=sr_live_SECRETSECRETSECRETSECRET",
        "whoami sk_SECRETSECRETSECRETSECRET",
        "sr_test_SECRETSECRETSECRETSECRET",
        "token sr_live_SECRETSECRETSECRETSECRET",
        "token revokesr_live_SECRETSECRETSECRETSECRET",
        "help sr_live_SECRETSECRETSECRETSECRET",
        "whoami --token=sr_live_SECRETSECRETSECRETSECRET",
        "whoami --sr_live_SECRETSECRETSECRETSECRET",
        "whoami -sr_live_SECRETSECRETSECRETSECRET",
        "whoami --key=sr_live_SECRETSECRETSECRETSECRET",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct cli_options options;
        struct cli_reason why;
        assert_int_equal(parse(lines[i], &options, &why), CLI_USAGE);
        assert_true(strlen(why.text) > 0);
        assert_null(strstr(why.text, "SECRET"));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments_reads_every_command),
        cmocka_unit_test(test_arguments_takes_values_in_both_forms_and_flags_anywhere),
        cmocka_unit_test(test_arguments_defaults_to_read_and_write),
        cmocka_unit_test(test_arguments_knows_the_forms_of_a_new_token),
        cmocka_unit_test(test_arguments_ends_flags_at_two_dashes),
        cmocka_unit_test(test_arguments_wants_nothing_more_with_help),
        cmocka_unit_test(test_arguments_refuses_wrong_usage_with_one_clear_line),
        cmocka_unit_test(test_arguments_reads_the_values_of_the_command),
        cmocka_unit_test(test_arguments_gathers_every_allowed_address),
        cmocka_unit_test(test_arguments_never_repeats_what_may_be_a_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
