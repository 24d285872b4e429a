// SPDX-License-Identifier: MIT
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

#include "gateway/settings/secret_line.h"

static char path[] = "/tmp/secret-line-XXXXXX";
static struct gw_secret_line line;
static const char *problem;

static int make_file(void **state) {
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 || close(fd) != 0;
}

static int remove_file(void **state) {
    (void)state;
    return unlink(path);
}

static enum gw_status read_bytes(const char *bytes, size_t length) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    problem = NULL;
    return gw_secret_line_read(path, &line, &problem);
}

static void assert_line(const char *text, const char *expected) {
    assert_int_equal(read_bytes(text, strlen(text)), GW_OK);
    assert_string_equal(line.text, expected);
}

static void test_the_first_line_counts_without_its_end(void **state) {
    (void)state;
    assert_line("postgresql://x", "postgresql://x");
    assert_line("postgresql://x\n", "postgresql://x");
    assert_line("postgresql://x\r\nanother\n", "postgresql://x");
    assert_line(" a b \n", " a b ");
}

static void test_a_file_without_a_line_is_refused(void **state) {
    (void)state;
    assert_int_equal(read_bytes("", 0), GW_INVALID);
    assert_non_null(problem);
    assert_int_equal(read_bytes("\nsecond\n", 8), GW_INVALID);
    assert_int_equal(read_bytes("a\0b", 3), GW_INVALID);
    assert_int_equal(gw_secret_line_read("/nonexistent/file", &line, &problem), GW_INVALID);
    assert_string_equal(problem, "No such file or directory");
    assert_int_equal(gw_secret_line_read("/tmp", &line, &problem), GW_INVALID);
}

static void test_the_longest_line_fits(void **state) {
    (void)state;
    char bytes[GW_SECRET_LINE_BYTES_MAX + 1];
    memset(bytes, 'x', sizeof(bytes));
    assert_int_equal(read_bytes(bytes, GW_SECRET_LINE_BYTES_MAX), GW_OK);
    assert_int_equal(strlen(line.text), GW_SECRET_LINE_BYTES_MAX);
    assert_int_equal(read_bytes(bytes, sizeof(bytes)), GW_INVALID);
}

static void test_a_file_that_all_may_read_is_known_as_such(void **state) {
    (void)state;
    assert_int_equal(chmod(path, 0600), 0);
    assert_line("x\n", "x");
    assert_false(line.is_public);
    assert_int_equal(chmod(path, 0604), 0);
    assert_line("x\n", "x");
    assert_true(line.is_public);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_line_counts_without_its_end),
        cmocka_unit_test(test_a_file_without_a_line_is_refused),
        cmocka_unit_test(test_the_longest_line_fits),
        cmocka_unit_test(test_a_file_that_all_may_read_is_known_as_such),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
