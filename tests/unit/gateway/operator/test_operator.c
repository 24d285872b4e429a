// SPDX-License-Identifier: MIT
// Proves of gateway/operator/operator.c: each command does its work on a real database, says it as
// documented, and shows or repeats no secret but the one it was asked to make. Every command runs
// in a child, as a program does.
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/hex.h"
#include "db/migrate.h"
#include "gateway/auth/secret.h"
#include "gateway/operator/operator.h"
#include "tests/support/postgres.h"

#define SECRET "sk_abcdefghijklmnopqrstuvwxyz0123456789"
#define ARGUMENTS_MAX 16

static struct test_database database;

struct run {
    int code;
    char out[4096];
    char err[4096];
};

static int create_database(void **state) {
    (void)state;
    test_database_open(&database);
    assert_int_equal(setenv("DATABASE_URL", database.url, 1), 0);
    return 0;
}

static int create_schema(void **state) {
    (void)create_database(state);
    struct db_migrate_report report;
    assert_int_equal(db_migrate(database.url, &report), GW_OK);
    test_execute(
        database.url,
        "insert into skillreg.organisation (id, slug, name) values ('org1', 'acme', 'Acme')");
    return 0;
}

static void read_back(FILE *file, char *out, size_t room) {
    assert_int_equal(fseek(file, 0, SEEK_SET), 0);
    size_t length = fread(out, 1, room - 1, file);
    out[length] = '\0';
    (void)fclose(file);
}

// Words separated by single spaces.
static void run_words(struct run *run, const char *words, const char *input) {
    char line[2048];
    (void)snprintf(line, sizeof(line), "%s", words);
    char *arguments[ARGUMENTS_MAX + 1] = {NULL};
    int count = 0;
    for (char *word = strtok(line, " "); word != NULL && count < ARGUMENTS_MAX;
         word = strtok(NULL, " "))
        arguments[count++] = word;
    FILE *in = tmpfile();
    FILE *out = tmpfile();
    FILE *err = tmpfile();
    if (in == NULL || out == NULL || err == NULL)
        abort();
    assert_true(fputs(input, in) >= 0 && fseek(in, 0, SEEK_SET) == 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(fileno(in), STDIN_FILENO);
        (void)dup2(fileno(out), STDOUT_FILENO);
        (void)dup2(fileno(err), STDERR_FILENO);
        exit(gw_operator_run(count, arguments));
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    run->code = WEXITSTATUS(status);
    (void)fclose(in);
    read_back(out, run->out, sizeof(run->out));
    read_back(err, run->err, sizeof(run->err));
}

static void must_run(struct run *run, const char *words, const char *input) {
    run_words(run, words, input);
    if (run->code != 0)
        fail_msg("%s: exit %d: %s", words, run->code, run->err);
    assert_string_equal(run->err, "");
}

static void must_fail(struct run *run, const char *words, const char *input, int code) {
    run_words(run, words, input);
    if (run->code != code)
        fail_msg("%s: exit %d, wanted %d: %s", words, run->code, code, run->err);
    assert_string_equal(run->out, "");
    // one line
    assert_ptr_equal(strchr(run->err, '\n'), run->err + strlen(run->err) - 1);
}

// ---- migrate, org create ----

static void test_operator_migrates_and_says_so(void **state) {
    (void)state;
    struct run run;
    must_run(&run, "migrate", "");
    assert_non_null(strstr(run.out, "from version 0"));
    must_run(&run, "migrate", "");
    assert_non_null(strstr(run.out, "nothing to do"));
}

static void test_operator_makes_an_organisation_once(void **state) {
    (void)state;
    struct run run;
    must_run(&run, "org create globex --name Globex", "");
    assert_string_equal(run.out, "\xE2\x9C\x93 Organisation \"globex\" created.\n");
    must_fail(&run, "org create globex", "", 1);
    assert_non_null(strstr(run.err, "already exists"));
    assert_int_equal(test_number(database.url, "select count(*) from skillreg.organisation"
                                               " where slug = 'globex' and name = 'Globex'"),
                     1);
}

// ---- token create ----

static void test_operator_prints_a_new_token_as_documented(void **state) {
    (void)state;
    struct run run;
    must_run(&run, "token create --org acme --name ci-deploy", "");
    const char *token = strstr(run.out, "sr_live_");
    assert_non_null(token);
    struct gw_str secret = gw_str(token, strcspn(token, "\n"));
    char wanted[512];
    (void)snprintf(wanted, sizeof(wanted),
                   "\xE2\x9C\x93 Token created successfully!\n"
                   "\n"
                   "  Name:   ci-deploy\n"
                   "  Scopes: read, write\n"
                   "  Token:  %.*s\n"
                   "\n"
                   "  \xE2\x9A\xA0 Copy this token now \xE2\x80\x94 it will not be shown again.\n",
                   GW_STR_ARG(secret));
    assert_string_equal(run.out, wanted);
    assert_true(gw_token_syntax_checksum_ok(secret));
}

static void test_operator_stores_prefix_and_digest_of_a_new_token_and_not_the_secret(void **state) {
    (void)state;
    struct run run;
    must_run(&run, "token create --org acme --name admin --scopes admin", "");
    const char *token = strstr(run.out, "sr_live_");
    assert_non_null(token);
    unsigned char digest[GW_TOKEN_DIGEST_LENGTH];
    gw_token_digest(gw_str(token, strcspn(token, "\n")), digest);
    char hex[2 * GW_TOKEN_DIGEST_LENGTH + 1] = "";
    gw_hex_encode(digest, sizeof(digest), hex);
    char wanted[256];
    char row[1024];
    (void)snprintf(wanted, sizeof(wanted), "admin|%.12s|%s|4|operator|org1", token, hex);
    test_value(database.url,
               "select concat_ws('|', name, prefix, encode(digest, 'hex'), scopes, created_by,"
               " org_id) from skillreg.api_token",
               row, sizeof(row));
    assert_string_equal(row, wanted);
    test_value(database.url, "select t::text from skillreg.api_token t", row, sizeof(row));
    char secret[64];
    (void)snprintf(secret, sizeof(secret), "%.*s", (int)strcspn(token, "\n"), token);
    assert_null(strstr(row, secret + GW_TOKEN_PREFIX_LENGTH));
}

static void test_operator_prints_json_of_the_token_api(void **state) {
    (void)state;
    struct run run;
    must_run(&run,
             "token create --org=acme --name=bot --scopes=read --expires 90d --environment test"
             " --json",
             "");
    assert_non_null(strstr(run.out, "\"name\":\"bot\""));
    assert_non_null(strstr(run.out, "\"scopes\":[\"read\"]"));
    assert_non_null(strstr(run.out, "\"token\":\"sr_test_"));
    assert_non_null(strstr(run.out, "\"lastUsedAt\":null"));
    assert_int_equal(test_number(database.url,
                                 "select round(extract(epoch from expires_at - created_at) / 86400)"
                                 " from skillreg.api_token"),
                     90);
}

static void test_operator_stores_where_a_token_may_be_used_from(void **state) {
    (void)state;
    struct run run;
    char stored[256];
    must_run(&run,
             "token create --org acme --name bot --allow-ip 10.0.0.0/8 --allow-ip=2001:DB8::1"
             " --json",
             "");
    assert_non_null(strstr(run.out, "\"allowedIps\":[\"10.0.0.0/8\",\"2001:db8::1\"]"));
    must_run(&run, "token import --org acme --name old --allow-ip 192.0.2.7", SECRET "\n");
    test_value(database.url,
               "select string_agg(allowed_ips::text, ' ' order by created_at)"
               " from skillreg.api_token",
               stored, sizeof(stored));
    assert_string_equal(stored, "{10.0.0.0/8,2001:db8::1/128} {192.0.2.7/32}");
    test_value(database.url,
               "select string_agg(action || ' ' || actor_name, ', ' order by id)"
               " from skillreg.token_audit where address is null",
               stored, sizeof(stored));
    assert_string_equal(stored, "create operator, import operator");
}

static void test_operator_refuses_addresses_that_are_none(void **state) {
    (void)state;
    static const char *const wrong[] = {"10.0.0.1/8", "10.0.0.0/33", "all", "::1%eth0", "10.0.0"};
    struct run run;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char words[128];
        (void)snprintf(words, sizeof(words), "token create --org acme --name x --allow-ip %s",
                       wrong[i]);
        must_fail(&run, words, "", 2);
        assert_non_null(strstr(run.err, "--allow-ip"));
    }
}

static void test_operator_refuses_an_unknown_organisation(void **state) {
    (void)state;
    struct run run;
    must_fail(&run, "token create --org nobody --name x", "", 1);
    assert_non_null(strstr(run.err, "no organisation nobody"));
}

// ---- token import ----

static void test_operator_imports_a_token_and_never_shows_it(void **state) {
    (void)state;
    struct run run;
    must_run(&run, "token import --org acme --name legacy --scopes read", SECRET "\r\n");
    assert_non_null(strstr(run.out, "  Prefix: sk_abcdefghi\n"));
    assert_null(strstr(run.out, SECRET));
    must_fail(&run, "token import --org acme --name again", SECRET, 1);
    assert_null(strstr(run.err, SECRET));
    assert_int_equal(test_number(database.url,
                                 "select count(*) from skillreg.api_token where digest"
                                 " = sha256('" SECRET "')"),
                     1);
}

static void test_operator_imports_json_without_the_secret(void **state) {
    (void)state;
    struct run run;
    must_run(&run, "token import --org acme --name legacy --json", SECRET "\n");
    assert_non_null(strstr(run.out, "\"prefix\":\"sk_abcdefghi\""));
    assert_null(strstr(run.out, "\"token\""));
}

static void test_operator_refuses_input_that_is_no_token(void **state) {
    (void)state;
    const char *inputs[] = {"",
                            "\n",
                            SECRET "\n\n",
                            " " SECRET "\n",
                            SECRET "\n" SECRET "\n",
                            "sk_short",
                            ("sr_prod_" SECRET)};
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        struct run run;
        must_fail(&run, "token import --org acme --name legacy", inputs[i], 1);
        assert_null(strstr(run.err, SECRET));
    }
    assert_int_equal(test_number(database.url, "select count(*) from skillreg.api_token"), 0);
}

static void test_operator_takes_no_secret_from_an_argument_and_repeats_none(void **state) {
    (void)state;
    const char *lines[] = {"token import --org acme --name legacy " SECRET,
                           "token import --org acme --name legacy --token=" SECRET,
                           "token import --org acme --name legacy --scopes " SECRET,
                           "token import --org " SECRET " --name legacy"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct run run;
        must_fail(&run, lines[i], "", 2);
        assert_null(strstr(run.err, SECRET));
    }
}

// ---- usage, and no database ----

static void test_operator_refuses_wrong_usage(void **state) {
    (void)state;
    const char *lines[] = {
        "org",
        "org create",
        "org create Acme",
        "org create a",
        "org create acme globex",
        "org drop acme",
        "org rename acme",
        "org delete acme --wait",
        "token show",
        "token revoke sk_abcdefghijklmnopqrstuvwxyz0123456789",
        "token import --file x --name y",
        "token import --org acme --name x --dry-run",
        "token export --format xml",
        "token",
        "token create --org acme",
        "token create --name x",
        "token create --org acme --name",
        "token create --org acme --name x --scopes read,fly",
        "token create --org acme --name x --expires soon",
        "token create --org acme --name x --environment prod",
        "token import --org acme --name x --expires 90d",
        "migrate now",
        "migrate --json",
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct run run;
        must_fail(&run, lines[i], "", 2);
    }
}

static void test_operator_needs_a_database_url(void **state) {
    (void)state;
    assert_int_equal(unsetenv("DATABASE_URL"), 0);
    struct run run;
    must_fail(&run, "migrate", "", 2);
    assert_non_null(strstr(run.err, "DATABASE_URL"));
}

static void test_operator_shows_help(void **state) {
    (void)state;
    struct run run;
    must_run(&run, "token create --help", "");
    assert_non_null(strstr(run.out, "skillreg-gateway migrate"));
}

static void test_operator_says_when_the_database_is_not_reachable(void **state) {
    (void)state;
    const char *lines[] = {"migrate", "org create acme", "token create --org acme --name x"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        char line[256];
        (void)snprintf(line, sizeof(line),
                       "%s --database-url postgresql://me:hunter2@/x?host=/nonexistent", lines[i]);
        struct run run;
        must_fail(&run, line, "", 3);
        assert_non_null(strstr(run.err, "cannot reach PostgreSQL: "));
        assert_non_null(strstr(run.err, "(check --database-url or DATABASE_URL)"));
        assert_null(strstr(run.err, "hunter2"));
    }
}

static void test_operator_says_when_the_schema_is_missing(void **state) {
    (void)state;
    struct run run;
    must_fail(&run, "org create acme", "", 1);
    assert_non_null(strstr(run.err, "run skillreg-gateway migrate"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST_EMPTY(name) cmocka_unit_test_setup(name, create_database)
#define TEST(name) cmocka_unit_test_setup(name, create_schema)
        TEST_EMPTY(test_operator_migrates_and_says_so),
        TEST(test_operator_makes_an_organisation_once),
        TEST(test_operator_prints_a_new_token_as_documented),
        TEST(test_operator_stores_prefix_and_digest_of_a_new_token_and_not_the_secret),
        TEST(test_operator_prints_json_of_the_token_api),
        TEST(test_operator_stores_where_a_token_may_be_used_from),
        TEST(test_operator_refuses_addresses_that_are_none),
        TEST(test_operator_refuses_an_unknown_organisation),
        TEST(test_operator_imports_a_token_and_never_shows_it),
        TEST(test_operator_imports_json_without_the_secret),
        TEST(test_operator_refuses_input_that_is_no_token),
        TEST(test_operator_takes_no_secret_from_an_argument_and_repeats_none),
        TEST(test_operator_refuses_wrong_usage),
        TEST(test_operator_needs_a_database_url),
        TEST(test_operator_shows_help),
        TEST(test_operator_says_when_the_database_is_not_reachable),
        TEST_EMPTY(test_operator_says_when_the_schema_is_missing),
#undef TEST
#undef TEST_EMPTY
    };
    (void)test_postgres_server();
    return cmocka_run_group_tests_name("operator", tests, NULL, NULL);
}
