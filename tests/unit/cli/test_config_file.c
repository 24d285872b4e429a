// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <fcntl.h>
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

#include "cli/config_file.h"

// Each test has a home of its own.
struct home {
    char directory[64];
    char settings_directory[96];
    char path[128];
};

static int make_home(void **state) {
    struct home *home = calloc(1, sizeof(*home));
    if (home == NULL)
        return -1;
    strcpy(home->directory, "/tmp/skillreg-test-XXXXXX");
    if (mkdtemp(home->directory) == NULL)
        return -1;
    snprintf(home->settings_directory, sizeof(home->settings_directory), "%s/.skillreg",
             home->directory);
    snprintf(home->path, sizeof(home->path), "%s/config.json", home->settings_directory);
    *state = home;
    return 0;
}

static int remove_home(void **state) {
    struct home *home = *state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", home->directory);
    int status = system(command);
    free(home);
    return status;
}

static void put(const struct home *home, const char *text) {
    (void)mkdir(home->settings_directory, 0700);
    FILE *file = fopen(home->path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void assert_holds(const struct home *home, const char *wanted) {
    char text[4096];
    FILE *file = fopen(home->path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    assert_string_equal(text, wanted);
}

static void open_it(const struct home *home, struct cli_config_file *file) {
    struct cli_reason why = {.text = ""};
    if (cli_config_file_open(file, home->path, &why) != CLI_DONE)
        fail_msg("cannot open: %s", why.text);
}

static void set_and_save(const struct home *home, const char *key, const char *value) {
    struct cli_config_file file;
    struct cli_reason why = {.text = ""};
    open_it(home, &file);
    assert_int_equal(cli_config_file_set(&file, CLI_CONFIG_TOP(key), gw_str_from(value), &why),
                     CLI_DONE);
    assert_int_equal(cli_config_file_save(&file, &why), CLI_DONE);
    cli_config_file_close(&file);
}

static int entries_of(const char *directory) {
    int count = 0;
    DIR *entries = opendir(directory);
    assert_non_null(entries);
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries))
        count += entry->d_name[0] != '.';
    closedir(entries);
    return count;
}

static void test_config_file_that_is_missing_reads_as_empty(void **state) {
    struct cli_config_file file;
    struct cli_reason why = {.text = ""};
    struct gw_str value = GW_STR("untouched");
    open_it(*state, &file);
    assert_int_equal(cli_config_file_get(&file, CLI_CONFIG_TOP("token"), &value, &why), CLI_DONE);
    assert_null(value.at);
    cli_config_file_close(&file);
}

static void test_config_file_is_made_for_its_owner_alone(void **state) {
    const struct home *home = *state;
    struct stat info;
    mode_t mask = umask(0);
    set_and_save(home, "token", "sr_live_x");
    (void)umask(mask);
    assert_holds(home, "{\n  \"token\": \"sr_live_x\"\n}\n");
    assert_int_equal(stat(home->path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(stat(home->settings_directory, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
}

static void test_config_file_change_keeps_every_other_byte(void **state) {
    put(*state, "{ \"z\":[1, 2.50,{\"token\":\"inner\"}],\n\t\"token\" : \"old\" ,\"apiUrl\":"
                "\"https:\\/\\/a\",\"é\\u00e9\":null }\n\n");
    set_and_save(*state, "token", "new");
    assert_holds(*state, "{ \"z\":[1, 2.50,{\"token\":\"inner\"}],\n\t\"token\" : \"new\" ,"
                         "\"apiUrl\":\"https:\\/\\/a\",\"é\\u00e9\":null }\n\n");
}

static void test_config_file_addition_goes_last_in_the_look_of_the_file(void **state) {
    put(*state, "{\n    \"apiUrl\": \"https://a\",\n    \"list\": [\n        1\n    ]\n}\n");
    set_and_save(*state, "token", "new");
    assert_holds(*state, "{\n    \"apiUrl\": \"https://a\",\n    \"list\": [\n        1\n    ],\n"
                         "    \"token\": \"new\"\n}\n");
    put(*state, "{\"a\":1}");
    set_and_save(*state, "token", "new");
    assert_holds(*state, "{\"a\":1,\"token\": \"new\"}");
}

static void test_config_file_replaces_null_and_other_types(void **state) {
    put(*state, "{\"token\": null, \"n\": 1}");
    set_and_save(*state, "token", "new");
    assert_holds(*state, "{\"token\": \"new\", \"n\": 1}");
    put(*state, "{\"token\": {\"a\": [1]}, \"n\": 1}");
    set_and_save(*state, "token", "new");
    assert_holds(*state, "{\"token\": \"new\", \"n\": 1}");
}

static void test_config_file_reads_back_what_was_set(void **state) {
    struct cli_config_file file;
    struct cli_reason why = {.text = ""};
    struct gw_str value;
    put(*state, "{}");
    open_it(*state, &file);
    assert_int_equal(cli_config_file_set(&file, CLI_CONFIG_TOP("token"), GW_STR("a\"\\\nb"), &why),
                     CLI_DONE);
    assert_int_equal(
        cli_config_file_set(&file, CLI_CONFIG_TOP("apiUrl"), GW_STR("https://x"), &why), CLI_DONE);
    assert_int_equal(cli_config_file_get(&file, CLI_CONFIG_TOP("token"), &value, &why), CLI_DONE);
    assert_true(gw_str_equal(value, GW_STR("a\"\\\nb")));
    assert_int_equal(cli_config_file_get(&file, CLI_CONFIG_TOP("apiUrl"), &value, &why), CLI_DONE);
    assert_true(gw_str_equal(value, GW_STR("https://x")));
    cli_config_file_close(&file);
}

static void test_config_file_that_is_malformed_is_an_error_and_stays(void **state) {
    static const char *const texts[] = {"{\"token\": }", "[1]",
                                        "{} {}",         "{\"a\":1,}",
                                        "nonsense",      "{\"token\":\"a\",\"token\":\"b\"}",
                                        "\xef\xbb\xbf{}"};
    const struct home *home = *state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct cli_config_file file;
        struct cli_reason why = {.text = ""};
        put(home, texts[i]);
        assert_int_equal(cli_config_file_open(&file, home->path, &why), CLI_FAILED);
        assert_non_null(strstr(why.text, home->path));
        assert_non_null(strstr(why.text, "repair it"));
        assert_holds(home, texts[i]);
    }
}

static void test_config_file_value_of_another_type_is_an_error(void **state) {
    struct cli_config_file file;
    struct cli_reason why = {.text = ""};
    struct gw_str value;
    put(*state, "{\"token\": 5}");
    open_it(*state, &file);
    assert_int_equal(cli_config_file_get(&file, CLI_CONFIG_TOP("token"), &value, &why), CLI_FAILED);
    assert_non_null(strstr(why.text, "\"token\""));
    cli_config_file_close(&file);
}

// A reader that has the old file open keeps the old text to its end, and no other file is left
// behind.
static void test_config_file_is_replaced_and_never_rewritten_in_place(void **state) {
    const struct home *home = *state;
    char text[64];
    put(home, "{\"token\":\"old\"}");
    int reader = open(home->path, O_RDONLY);
    assert_true(reader >= 0);
    set_and_save(home, "token", "new");
    ssize_t length = read(reader, text, sizeof(text));
    (void)close(reader);
    assert_int_equal(length, strlen("{\"token\":\"old\"}"));
    assert_memory_equal(text, "{\"token\":\"old\"}", (size_t)length);
    assert_holds(home, "{\"token\":\"new\"}");
    assert_int_equal(entries_of(home->settings_directory), 1);
}

static void test_config_file_that_cannot_be_saved_leaves_nothing_behind(void **state) {
    const struct home *home = *state;
    struct cli_config_file file;
    struct cli_reason why = {.text = ""};
    open_it(home, &file);
    assert_int_equal(cli_config_file_set(&file, CLI_CONFIG_TOP("token"), GW_STR("new"), &why),
                     CLI_DONE);
    // a directory has taken its place meanwhile: the rename fails
    assert_int_equal(mkdir(home->settings_directory, 0700), 0);
    assert_int_equal(mkdir(home->path, 0700), 0);
    assert_int_equal(cli_config_file_save(&file, &why), CLI_FAILED);
    assert_non_null(strstr(why.text, "cannot write"));
    assert_int_equal(entries_of(home->settings_directory), 1);
    cli_config_file_close(&file);
}

static void test_config_file_behind_a_symbolic_link_is_replaced_where_it_lies(void **state) {
    const struct home *home = *state;
    struct stat info;
    char target[128];
    snprintf(target, sizeof(target), "%s/dotfile.json", home->directory);
    put(home, "{\"token\":\"old\"}");
    assert_int_equal(rename(home->path, target), 0);
    assert_int_equal(symlink(target, home->path), 0);
    set_and_save(home, "token", "new");
    assert_int_equal(lstat(home->path, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_holds(home, "{\"token\":\"new\"}");
}

static void test_config_file_that_is_no_file_is_an_error(void **state) {
    const struct home *home = *state;
    struct cli_config_file file;
    struct cli_reason why = {.text = ""};
    assert_int_equal(mkdir(home->settings_directory, 0700), 0);
    assert_int_equal(mkfifo(home->path, 0600), 0);
    assert_int_equal(cli_config_file_open(&file, home->path, &why), CLI_FAILED);
    assert_non_null(strstr(why.text, "not a regular file"));
}

static void test_config_file_of_further_gateways(void **state) {
    struct cli_config_place place = {GW_STR("https://b.example:8443"), "token"};
    struct cli_config_file file;
    struct cli_reason why = {.text = ""};
    struct gw_str value = GW_STR("untouched");
    put(*state, "{\"token\": \"top\"}");
    open_it(*state, &file);
    assert_int_equal(cli_config_file_get(&file, place, &value, &why), CLI_DONE);
    assert_null(value.at);
    assert_int_equal(cli_config_file_set(&file, place, GW_STR("b"), &why), CLI_DONE);
    place.gateway = GW_STR("https://c.example");
    assert_int_equal(cli_config_file_set(&file, place, GW_STR("c"), &why), CLI_DONE);
    place.key = "org";
    assert_int_equal(cli_config_file_set(&file, place, GW_STR("acme"), &why), CLI_DONE);
    assert_int_equal(cli_config_file_get(&file, place, &value, &why), CLI_DONE);
    assert_true(gw_str_equal(value, GW_STR("acme")));
    assert_int_equal(cli_config_file_save(&file, &why), CLI_DONE);
    cli_config_file_close(&file);
    assert_holds(*state,
                 "{\"token\": \"top\",\"gateways\": {\"https://b.example:8443\": {\"token\": "
                 "\"b\"},\"https://c.example\": {\"token\": \"c\",\"org\": \"acme\"}}}");
}

static void assert_unset(const struct home *home, const char *gateway, const char *before,
                         const char *after) {
    const struct cli_config_place place = {gateway != NULL ? gw_str_from(gateway) : gw_str(NULL, 0),
                                           "token"};
    struct cli_config_file file;
    struct cli_reason why = {.text = ""};
    struct gw_str value;
    put(home, before);
    open_it(home, &file);
    assert_int_equal(cli_config_file_unset(&file, place, &why), CLI_DONE);
    assert_int_equal(cli_config_file_get(&file, place, &value, &why), CLI_DONE);
    assert_null(value.at);
    assert_int_equal(cli_config_file_save(&file, &why), CLI_DONE);
    cli_config_file_close(&file);
    assert_holds(home, after);
}

static void test_config_file_member_is_taken_out_with_its_comma(void **state) {
    assert_unset(*state, NULL, "{\"token\":\"x\"}", "{}");
    assert_unset(*state, NULL, "{ \"token\" : null }\n", "{}\n");
    assert_unset(*state, NULL, "{\n  \"token\": \"x\",\n  \"org\": \"a\"\n}\n",
                 "{\n  \"org\": \"a\"\n}\n");
    assert_unset(*state, NULL, "{\n  \"org\": \"a\" ,\n  \"token\" : \"x\"\n}\n",
                 "{\n  \"org\": \"a\" \n}\n");
    assert_unset(*state, NULL, "{\"a\":1,\"\\u0074oken\":\"\\\",\",\"b\":{\"token\":\"y\"}}",
                 "{\"a\":1,\"b\":{\"token\":\"y\"}}");
    assert_unset(*state, NULL, "{\"org\":\"a\"}", "{\"org\":\"a\"}");
}

static void test_config_file_member_of_a_further_gateway_is_taken_out(void **state) {
    assert_unset(*state, "https://b",
                 "{\"token\":\"x\",\"gateways\":{\"https://b\":{\"token\":\"y\",\"org\":\"o\"},"
                 "\"https://c\":{\"token\":\"z\"}}}",
                 "{\"token\":\"x\",\"gateways\":{\"https://b\":{\"org\":\"o\"},"
                 "\"https://c\":{\"token\":\"z\"}}}");
    assert_unset(*state, "https://b", "{\"token\":\"x\"}", "{\"token\":\"x\"}");
}

static void test_config_file_with_something_else_under_gateways(void **state) {
    static const char *const texts[] = {"{\"gateways\": []}", "{\"gateways\": {\"https://b\": 1}}"};
    const struct cli_config_place place = {GW_STR("https://b"), "token"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct cli_config_file file;
        struct cli_reason why = {.text = ""};
        struct gw_str value;
        put(*state, texts[i]);
        open_it(*state, &file);
        assert_int_equal(cli_config_file_get(&file, place, &value, &why), CLI_FAILED);
        assert_non_null(strstr(why.text, "is no object"));
        assert_int_equal(cli_config_file_set(&file, place, GW_STR("b"), &why), CLI_FAILED);
        cli_config_file_close(&file);
        assert_holds(*state, texts[i]);
    }
}

static void test_config_file_knows_whether_others_can_read_it(void **state) {
    const struct home *home = *state;
    struct cli_config_file file;
    put(home, "{}");
    for (int mode = 0600; mode <= 0640; mode += 0040) {
        assert_int_equal(chmod(home->path, (mode_t)mode), 0);
        open_it(home, &file);
        assert_int_equal(file.is_shared, mode != 0600);
        cli_config_file_close(&file);
    }
}

#define WITH_HOME(test) cmocka_unit_test_setup_teardown(test, make_home, remove_home)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_HOME(test_config_file_that_is_missing_reads_as_empty),
        WITH_HOME(test_config_file_is_made_for_its_owner_alone),
        WITH_HOME(test_config_file_change_keeps_every_other_byte),
        WITH_HOME(test_config_file_addition_goes_last_in_the_look_of_the_file),
        WITH_HOME(test_config_file_replaces_null_and_other_types),
        WITH_HOME(test_config_file_reads_back_what_was_set),
        WITH_HOME(test_config_file_that_is_malformed_is_an_error_and_stays),
        WITH_HOME(test_config_file_value_of_another_type_is_an_error),
        WITH_HOME(test_config_file_is_replaced_and_never_rewritten_in_place),
        WITH_HOME(test_config_file_that_cannot_be_saved_leaves_nothing_behind),
        WITH_HOME(test_config_file_behind_a_symbolic_link_is_replaced_where_it_lies),
        WITH_HOME(test_config_file_that_is_no_file_is_an_error),
        WITH_HOME(test_config_file_of_further_gateways),
        WITH_HOME(test_config_file_member_is_taken_out_with_its_comma),
        WITH_HOME(test_config_file_member_of_a_further_gateway_is_taken_out),
        WITH_HOME(test_config_file_with_something_else_under_gateways),
        WITH_HOME(test_config_file_knows_whether_others_can_read_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
