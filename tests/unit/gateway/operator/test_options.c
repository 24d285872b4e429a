// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "gateway/operator/options.h"

#define ARGUMENTS_MAX 80

static struct gw_operator_options options;

static int set_environment(void **state) {
    (void)state;
    return clearenv() != 0 || setenv("DATABASE_URL", "postgresql://variable", 1) != 0;
}

// The words of `line` are the arguments; they live until the next call.
static enum gw_operator_parse read_line(const char *line) {
    static char memory[2048];
    static char *arguments[ARGUMENTS_MAX];
    int count = 0;
    assert_true(strlen(line) < sizeof(memory));
    strcpy(memory, line);
    for (char *word = strtok(memory, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_true(count < ARGUMENTS_MAX);
        arguments[count++] = word;
    }
    return gw_operator_options_read(count, arguments, &options);
}

static void assert_run(const char *line, enum gw_operator_command command) {
    if (read_line(line) != GW_OPERATOR_RUN)
        fail_msg("refused: %s", line);
    assert_int_equal(options.command, command);
}

static void assert_text(struct gw_str actual, const char *expected) {
    assert_true(gw_str_equal(actual, gw_str_from(expected)));
}

static void test_each_command_has_its_flags(void **state) {
    (void)state;
    assert_run("migrate", GW_OPERATOR_MIGRATE);
    assert_string_equal(options.database_url, "postgresql://variable");
    assert_run("migrate --role gateway --database-url postgresql://flag", GW_OPERATOR_MIGRATE);
    assert_string_equal(options.database_url, "postgresql://flag");
    assert_text(options.role, "gateway");
    assert_run("grants --role=gateway", GW_OPERATOR_GRANTS);
    assert_run("org create acme", GW_OPERATOR_ORG_CREATE);
    assert_text(options.slug, "acme");
    assert_text(options.name, "acme");
    assert_run("org create acme --name Acme", GW_OPERATOR_ORG_CREATE);
    assert_text(options.name, "Acme");
    assert_run("token import --org acme --name ci --json", GW_OPERATOR_TOKEN_IMPORT);
    assert_true(options.wants_json);
}

static void test_commands_about_what_is_there_have_theirs(void **state) {
    (void)state;
    assert_run("org list --all --json", GW_OPERATOR_ORG_LIST);
    assert_true(options.wants_all && options.wants_json);
    assert_null(options.slug.at);
    assert_run("org rename acme --slug acme-2", GW_OPERATOR_ORG_RENAME);
    assert_text(options.slug, "acme");
    assert_text(options.new_slug, "acme-2");
    assert_null(options.name.at);
    assert_run("org delete acme --yes", GW_OPERATOR_ORG_DELETE);
    assert_true(options.is_agreed);
    assert_run("token list", GW_OPERATOR_TOKEN_LIST);
    assert_null(options.slug.at);
    assert_run("token revoke clx7 --org acme --with-successors --wait", GW_OPERATOR_TOKEN_REVOKE);
    assert_text(options.id, "clx7");
    assert_true(options.with_successors && options.waits);
    assert_run("token import --file - --format json --report r --dry-run",
               GW_OPERATOR_TOKEN_IMPORT);
    assert_string_equal(options.file, "-");
    assert_string_equal(options.report, "r");
    assert_int_equal(options.format, GW_BULK_JSON_LINES);
    assert_true(options.is_dry_run);
    assert_run("token export --with-digests", GW_OPERATOR_TOKEN_EXPORT);
    assert_true(options.with_digests);
    assert_int_equal(options.format, GW_BULK_BY_CONTENT);
}

static void test_token_create_reads_every_limit_of_the_token(void **state) {
    (void)state;
    assert_run("token create --org acme --name ci", GW_OPERATOR_TOKEN_CREATE);
    assert_int_equal(options.scopes, GW_SCOPE_READ | GW_SCOPE_WRITE);
    assert_int_equal(options.expires_in_ms, 0);
    assert_int_equal(options.allowed_ip_count, 0);
    assert_int_equal(options.kind, GW_TOKEN_LIVE);
    assert_false(options.binds_children);
    assert_run(
        "token create --org acme --name ci --scopes admin --expires 90d --allow-ip 10.0.0.0/8 "
        "--allow-ip ::1 --bind-children --environment test",
        GW_OPERATOR_TOKEN_CREATE);
    assert_int_equal(options.scopes, GW_SCOPE_ADMIN);
    assert_int_equal(options.expires_in_ms, 90LL * 24 * 60 * 60 * 1000);
    assert_int_equal(options.allowed_ip_count, 2);
    assert_int_equal(options.kind, GW_TOKEN_TEST);
    assert_true(options.binds_children);
}

static void test_the_environment_of_new_tokens_may_be_a_variable(void **state) {
    (void)state;
    setenv("GATEWAY_ENVIRONMENT", "test", 1);
    assert_run("token create --org acme --name ci", GW_OPERATOR_TOKEN_CREATE);
    assert_int_equal(options.kind, GW_TOKEN_TEST);
    setenv("GATEWAY_ENVIRONMENT", "prod", 1);
    assert_int_equal(read_line("token create --org acme --name ci"), GW_OPERATOR_WRONG);
    assert_run("token import --org acme --name ci", GW_OPERATOR_TOKEN_IMPORT);
}

static void test_mistakes_are_refused(void **state) {
    (void)state;
    static const char *const lines[] = {
        "nonsense",
        "org",
        "org destroy acme",
        "org create",
        "org create acme globex",
        "org create -acme",
        "grants",
        "grants --role public",
        "token create --org acme",
        "token create --name ci",
        "token create --org acme --name ci --expires soon",
        "token create --org acme --name ci --expires 500000d",
        "token create --org acme --name ci --scopes root",
        "token create --org acme --name ci --allow-ip 10.0.0.1/8",
        "token create --org acme --name ci --role gateway",
        "token create --org acme --name",
        "token import --org acme --name ci --expires 90d",
        "token import --org acme --name ci --environment test",
        "migrate now",
        "migrate --json",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (read_line(lines[i]) != GW_OPERATOR_WRONG)
            fail_msg("accepted: %s", lines[i]);
    }
}

static void test_a_token_has_at_most_thirty_two_ranges(void **state) {
    (void)state;
    char line[2048] = "token create --org acme --name ci";
    for (int i = 0; i < 32; i++)
        strcat(line, " --allow-ip ::1");
    assert_run(line, GW_OPERATOR_TOKEN_CREATE);
    assert_int_equal(options.allowed_ip_count, 32);
    strcat(line, " --allow-ip ::1");
    assert_int_equal(read_line(line), GW_OPERATOR_WRONG);
}

static void test_a_database_must_be_known(void **state) {
    (void)state;
    unsetenv("DATABASE_URL");
    assert_int_equal(read_line("migrate"), GW_OPERATOR_WRONG);
    assert_int_equal(read_line("org create acme"), GW_OPERATOR_WRONG);
    assert_run("grants --role gateway", GW_OPERATOR_GRANTS);
}

#define options_test(function) cmocka_unit_test_setup(function, set_environment)

int main(void) {
    const struct CMUnitTest tests[] = {
        options_test(test_each_command_has_its_flags),
        options_test(test_commands_about_what_is_there_have_theirs),
        options_test(test_token_create_reads_every_limit_of_the_token),
        options_test(test_the_environment_of_new_tokens_may_be_a_variable),
        options_test(test_mistakes_are_refused),
        options_test(test_a_token_has_at_most_thirty_two_ranges),
        options_test(test_a_database_must_be_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
