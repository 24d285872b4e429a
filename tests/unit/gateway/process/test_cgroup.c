// SPDX-License-Identifier: MIT
// In folders that look as the kernel's do.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gateway/process/cgroup.h"

static char root[64];

static int set_up(void **state) {
    (void)state;
    strcpy(root, "/tmp/gw-cgroup-XXXXXX");
    return mkdtemp(root) == NULL;
}

static int tear_down(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", root);
    return system(command);
}

// Makes the folders of `path` as well.
static void write_file(const char *path, const char *text) {
    char whole[256];
    snprintf(whole, sizeof(whole), "%s/%s", root, path);
    for (char *at = whole + strlen(root) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        (void)mkdir(whole, 0700);
        *at = '/';
    }
    FILE *file = fopen(whole, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static uint64_t limit_of(const char *groups) {
    char path[128];
    write_file("groups", groups);
    snprintf(path, sizeof(path), "%s/groups", root);
    return gw_cgroup_memory_max(path, root);
}

static void test_the_limit_of_the_group_counts(void **state) {
    (void)state;
    write_file("system.slice/gateway.service/memory.max", "536870912\n");
    assert_int_equal(limit_of("0::/system.slice/gateway.service\n"), 536870912);
}

static void test_a_group_around_it_may_have_less(void **state) {
    (void)state;
    write_file("pod/gateway/memory.max", "max\n");
    write_file("pod/memory.max", "300000000\n");
    write_file("memory.max", "400000000\n");
    assert_int_equal(limit_of("0::/pod/gateway\n"), 300000000);
    write_file("pod/gateway/memory.high", "200000000\n");
    assert_int_equal(limit_of("0::/pod/gateway\n"), 200000000);
}

static void test_a_container_that_sees_its_own_group_alone(void **state) {
    (void)state;
    write_file("memory.max", "100000000\n");
    assert_int_equal(limit_of("0::/\n"), 100000000);
    assert_int_equal(limit_of("0::/docker/not-here/at-all\n"), 100000000);
}

static void test_version_1_has_a_hierarchy_of_its_own(void **state) {
    (void)state;
    write_file("memory/docker/gateway/memory.limit_in_bytes", "268435456\n");
    write_file("memory/memory.limit_in_bytes", "9223372036854771712\n");
    assert_int_equal(limit_of("5:cpu,cpuacct:/x\n4:memory:/docker/gateway\n0::/y\n"), 268435456);
    assert_int_equal(limit_of("4:hugetlb,memory:/docker/gateway\n"), 268435456);
    assert_int_equal(limit_of("4:memorylike:/docker/gateway\n"), 0);
    assert_int_equal(limit_of("4:memory:/other\n"), 0);
}

static void test_without_a_limit_there_is_none(void **state) {
    (void)state;
    write_file("memory.max", "max\n");
    assert_int_equal(limit_of("0::/\n"), 0);
    assert_int_equal(limit_of(""), 0);
    assert_int_equal(limit_of("nonsense\n1:2\n"), 0);
    assert_int_equal(gw_cgroup_memory_max("/nowhere", root), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_the_limit_of_the_group_counts),
        TEST(test_a_group_around_it_may_have_less),
        TEST(test_a_container_that_sees_its_own_group_alone),
        TEST(test_version_1_has_a_hierarchy_of_its_own),
        TEST(test_without_a_limit_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
