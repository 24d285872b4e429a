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
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/file_replace.h"

static char directory[64];
static char path[96];

static int make_directory(void **state) {
    (void)state;
    strcpy(directory, "/tmp/skillreg-test-XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/config.json", directory);
    return 0;
}

static int remove_directory(void **state) {
    (void)state;
    char command[128];
    (void)chmod(directory, 0700);
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    return system(command);
}

static void put(const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void assert_holds(const char *wanted) {
    char text[256];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
    assert_string_equal(text, wanted);
}

static int entries(void) {
    int count = 0;
    DIR *list = opendir(directory);
    assert_non_null(list);
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list))
        count += entry->d_name[0] != '.';
    closedir(list);
    return count;
}

static void assert_replaced(const char *text) {
    struct cli_reason why = {.text = ""};
    if (cli_file_replace(path, gw_str_from(text), &why) != CLI_DONE)
        fail_msg("%s", why.text);
    assert_holds(text);
}

static void assert_fails(const char *reason) {
    struct cli_reason why = {.text = ""};
    assert_int_equal(cli_file_replace(path, GW_STR("new"), &why), CLI_FAILED);
    assert_non_null(strstr(why.text, reason));
    assert_int_equal(cli_file_try(path, &why), CLI_FAILED);
}

static void test_a_new_file_is_for_its_owner_alone(void **state) {
    (void)state;
    struct stat info;
    struct cli_reason why;
    mode_t mask = umask(0);
    assert_int_equal(cli_file_try(path, &why), CLI_DONE);
    assert_int_equal(entries(), 0);
    assert_replaced("new");
    (void)umask(mask);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
}

static void test_a_link_that_leads_nowhere_is_refused(void **state) {
    (void)state;
    char nowhere[96];
    snprintf(nowhere, sizeof(nowhere), "%s/nowhere", directory);
    assert_int_equal(symlink(nowhere, path), 0);
    assert_fails("is a link that leads nowhere");
    assert_int_equal(access(nowhere, F_OK), -1);
}

static void test_root_keeps_the_owner(void **state) {
    (void)state;
    struct stat info;
    if (geteuid() != 0)
        skip();
    put("old");
    assert_int_equal(chown(path, 65534, 65534), 0);
    assert_replaced("new");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_uid, 65534);
    assert_int_equal(info.st_gid, 65534);
    assert_int_equal(info.st_mode & 07777, 0600);
}

// As a container that mounts the file: it cannot be renamed over.
static void test_a_mount_point_is_written_in_place(void **state) {
    (void)state;
    struct cli_reason why;
    put("old, and longer");
    if (mount(path, path, NULL, MS_BIND, NULL) != 0)
        skip();
    assert_int_equal(cli_file_try(path, &why), CLI_DONE);
    enum cli_exit exit = cli_file_replace(path, GW_STR("new"), &why);
    assert_int_equal(umount(path), 0);
    assert_int_equal(exit, CLI_DONE);
    assert_holds("new");
    assert_int_equal(entries(), 1);
}

// Nobody who is root needs to ask a directory.
static void test_a_directory_of_others_is_tried_before(void **state) {
    (void)state;
    struct cli_reason why;
    if (geteuid() == 0 && seteuid(65534) != 0)
        skip();
    assert_int_equal(geteuid() == 0, false);
    char theirs[96];
    snprintf(theirs, sizeof(theirs), "/skillreg-test.json"); // in a directory that is not ours
    assert_int_equal(cli_file_try(theirs, &why), CLI_FAILED);
    assert_non_null(strstr(why.text, "cannot write"));
    assert_int_equal(cli_file_replace(theirs, GW_STR("new"), &why), CLI_FAILED);
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
}

static void test_what_stands_in_the_way_stays(void **state) {
    (void)state;
    struct cli_reason why = {.text = ""};
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(cli_file_replace(path, GW_STR("new"), &why), CLI_FAILED);
    assert_non_null(strstr(why.text, "cannot write"));
    assert_int_equal(entries(), 1);
}

#define WITH_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_DIRECTORY(test_a_new_file_is_for_its_owner_alone),
        WITH_DIRECTORY(test_a_link_that_leads_nowhere_is_refused),
        WITH_DIRECTORY(test_root_keeps_the_owner),
        WITH_DIRECTORY(test_a_mount_point_is_written_in_place),
        WITH_DIRECTORY(test_a_directory_of_others_is_tried_before),
        WITH_DIRECTORY(test_what_stands_in_the_way_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
