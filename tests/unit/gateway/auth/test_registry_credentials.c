// SPDX-License-Identifier: MIT
// Proves of gateway/auth/registry_credentials.c: which files can be used, whose a secret is, and
// that a bad file changes nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/auth/registry_credentials.h"

#define FIRST "0123456789abcdefABCDEF-._~+/====="
#define SECOND "another-secret-of-thirty-two-chars"

static char directory[64];
static char texts[2][128]; // acme=<directory>/0, globex=<directory>/1
static struct gw_config config;
static struct gw_registry_credentials credentials;
static char problem[GW_REGISTRY_PROBLEM_BYTES];

static const char *path_of(int file) {
    return strchr(texts[file], '=') + 1;
}

static void write_file(int file, const char *text) {
    FILE *out = fopen(path_of(file), "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static int set_up(void **state) {
    (void)state;
    strcpy(directory, "/tmp/registry-credentials-XXXXXX");
    assert_non_null(mkdtemp(directory));
    (void)snprintf(texts[0], sizeof(texts[0]), "acme=%s/0", directory);
    (void)snprintf(texts[1], sizeof(texts[1]), "globex=%s/1", directory);
    memset(&config, 0, sizeof(config));
    memset(&credentials, 0, sizeof(credentials));
    config.registry_credentials = (struct gw_config_texts){.at = {texts[0], texts[1]}, .count = 2};
    write_file(0, FIRST "\n");
    write_file(1, SECOND);
    assert_int_equal(gw_registry_credentials_read(&config, &credentials, problem), GW_OK);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    return unlink(path_of(0)) != 0 || unlink(path_of(1)) != 0 || rmdir(directory) != 0;
}

static void assert_org(const char *secret, const char *org) {
    struct gw_str found = gw_registry_credentials_find(&credentials, gw_str_from(secret));
    assert_int_equal(found.at == NULL, org == NULL);
    assert_true(org == NULL || gw_str_equal(found, gw_str_from(org)));
}

static void test_a_secret_is_of_its_organisation(void **state) {
    (void)state;
    assert_org(FIRST, "acme");
    assert_org(SECOND, "globex");
    assert_org("", NULL);
    assert_org(FIRST "x", NULL);
    assert_org("0123456789abcdefABCDEF-._~+/====", NULL);
    memset(&credentials, 0, sizeof(credentials));
    assert_org(FIRST, NULL);
}

static void assert_refused(const char *text, const char *why) {
    write_file(0, text);
    assert_int_equal(gw_registry_credentials_read(&config, &credentials, problem), GW_INVALID);
    assert_non_null(strstr(problem, why));
    assert_non_null(strstr(problem, path_of(0)));
    assert_true(strlen(text) < 8 || strstr(problem, text) == NULL);
    assert_org(FIRST, "acme"); // as before
}

static void test_a_secret_that_cannot_be_used_changes_nothing(void **state) {
    (void)state;
    char long_secret[300];
    memset(long_secret, 'a', sizeof(long_secret));
    long_secret[GW_REGISTRY_SECRET_LENGTH_MAX + 1] = '\0';
    assert_refused("", "empty");
    assert_refused("thirty-one-characters-are-short", "32 to 255");
    assert_refused(long_secret, "32 to 255");
    assert_refused("thirty two characters and blanks", "other characters");
    assert_refused("sr_live_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh_dEEkW", "a token");
    write_file(0, FIRST);
    config.registry_credentials.at[0] = "acme=/nonexistent/file";
    assert_int_equal(gw_registry_credentials_read(&config, &credentials, problem), GW_INVALID);
    assert_string_equal(problem, "/nonexistent/file: No such file or directory");
    assert_org(FIRST, "acme");
}

static void test_a_secret_is_of_one_organisation_alone(void **state) {
    (void)state;
    write_file(1, FIRST);
    assert_int_equal(gw_registry_credentials_read(&config, &credentials, problem), GW_INVALID);
    assert_non_null(strstr(problem, "another organisation"));
    config.registry_credentials.at[1] = texts[0]; // the same one twice
    assert_int_equal(gw_registry_credentials_read(&config, &credentials, problem), GW_OK);
    assert_org(FIRST, "acme");
}

static void test_it_is_known_who_may_read_a_file(void **state) {
    (void)state;
    assert_int_equal(chmod(path_of(0), 0640), 0);
    assert_int_equal(chmod(path_of(1), 0644), 0);
    assert_int_equal(gw_registry_credentials_read(&config, &credentials, problem), GW_OK);
    assert_false(credentials.at[0].is_public);
    assert_true(credentials.at[1].is_public);
}

static void test_while_it_runs_a_new_secret_takes_the_place_of_the_old(void **state) {
    (void)state;
    write_file(0, "a-new-secret-of-more-than-32-characters\n");
    gw_registry_credentials_reread(&config, &credentials, false);
    assert_org("a-new-secret-of-more-than-32-characters", "acme");
    assert_org(FIRST, NULL);
    write_file(0, "short");
    gw_registry_credentials_reread(&config, &credentials, false);
    assert_org("a-new-secret-of-more-than-32-characters", "acme");
    assert_org(SECOND, "globex");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_a_secret_is_of_its_organisation),
        TEST(test_a_secret_that_cannot_be_used_changes_nothing),
        TEST(test_a_secret_is_of_one_organisation_alone),
        TEST(test_it_is_known_who_may_read_a_file),
        TEST(test_while_it_runs_a_new_secret_takes_the_place_of_the_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
