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

#include "cli/config_path.h"

// A home, and a folder for XDG_CONFIG_HOME in it.
static char home[64];
static char xdg[96];

static int make_home(void **state) {
    (void)state;
    strcpy(home, "/tmp/skillreg-test-XXXXXX");
    if (mkdtemp(home) == NULL)
        return -1;
    snprintf(xdg, sizeof(xdg), "%s/.config", home);
    return clearenv() != 0 || setenv("HOME", home, 1) != 0 || mkdir(xdg, 0700) != 0;
}

static int remove_home(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", home);
    return system(command);
}

static void touch(const char *directory, const char *below, const char *name) {
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", directory, below);
    (void)mkdir(path, 0700);
    snprintf(path, sizeof(path), "%s/%s/%s", directory, below, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static void assert_path(const char *directory, const char *rest) {
    char path[PATH_MAX];
    char wanted[PATH_MAX];
    struct cli_reason why = {.text = ""};
    snprintf(wanted, sizeof(wanted), "%s%s", directory, rest);
    assert_int_equal(cli_config_path_find(path, &why), CLI_DONE);
    assert_string_equal(path, wanted);
}

static void test_the_path_is_below_home(void **state) {
    (void)state;
    assert_path(home, "/.skillreg/config.json");
    char path[PATH_MAX];
    struct cli_reason why;
    assert_int_equal(cli_config_path_find(path, &why), CLI_DONE);
    assert_string_equal(cli_config_path_shown(path), "~/.skillreg/config.json");
}

static void test_a_variable_names_the_file(void **state) {
    (void)state;
    setenv("SKILLREG_CONFIG", "/etc/ci/skillreg.json", 1);
    setenv("XDG_CONFIG_HOME", xdg, 1);
    touch(xdg, "skillreg", "config.json");
    assert_path("/etc/ci", "/skillreg.json");
    assert_string_equal(cli_config_path_shown("/etc/ci/skillreg.json"), "/etc/ci/skillreg.json");
    setenv("SKILLREG_CONFIG", "", 1);
    assert_path(xdg, "/skillreg/config.json");
}

static void test_the_file_that_is_there_counts(void **state) {
    (void)state;
    setenv("XDG_CONFIG_HOME", xdg, 1);
    assert_path(xdg, "/skillreg/config.json"); // none is there: made here
    touch(home, ".skillreg", "config.json");
    assert_path(home, "/.skillreg/config.json");
    touch(xdg, "skillreg", "config.json");
    assert_path(xdg, "/skillreg/config.json");
    setenv("XDG_CONFIG_HOME", "relative", 1);
    assert_path(home, "/.skillreg/config.json");
}

static void test_a_path_that_is_too_long_is_wrong_usage(void **state) {
    (void)state;
    static char long_path[PATH_MAX + 1];
    char path[PATH_MAX];
    struct cli_reason why;
    memset(long_path, 'a', PATH_MAX);
    long_path[0] = '/';
    setenv("HOME", long_path, 1);
    assert_int_equal(cli_config_path_find(path, &why), CLI_USAGE);
    setenv("SKILLREG_CONFIG", long_path, 1);
    assert_int_equal(cli_config_path_find(path, &why), CLI_USAGE);
    assert_non_null(strstr(why.text, "SKILLREG_CONFIG"));
}

#define WITH_HOME(test) cmocka_unit_test_setup_teardown(test, make_home, remove_home)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_HOME(test_the_path_is_below_home),
        WITH_HOME(test_a_variable_names_the_file),
        WITH_HOME(test_the_file_that_is_there_counts),
        WITH_HOME(test_a_path_that_is_too_long_is_wrong_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
