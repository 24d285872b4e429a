// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/secret_input.h"

// Standard input that is no terminal; tests/e2e/test_cli_stub.py and test_operator.py have one.

static int saved_input;

static int save_input(void **state) {
    (void)state;
    saved_input = dup(STDIN_FILENO);
    return saved_input < 0;
}

static int restore_input(void **state) {
    (void)state;
    int restored = dup2(saved_input, STDIN_FILENO);
    (void)close(saved_input);
    return restored < 0;
}

// Standard input is `text` and then its end.
static void put(const char *text) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
    (void)close(ends[1]);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    (void)close(ends[0]);
}

static void assert_line(const char *text, const char *expected) {
    char line[8];
    size_t length = 0;
    const char *failed = NULL;
    put(text);
    assert_int_equal(gw_secret_input_read("", line, sizeof(line), &length, &failed), GW_OK);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(line, expected, length);
}

static void assert_fails(const char *text, enum gw_status expected) {
    char line[8];
    size_t length = 77;
    const char *failed = NULL;
    put(text);
    assert_int_equal(gw_secret_input_read("", line, sizeof(line), &length, &failed), expected);
    assert_int_equal(length, 77);
    assert_null(failed);
}

static void test_a_line_ends_at_its_end_or_that_of_the_input(void **state) {
    (void)state;
    assert_line("secret\n", "secret");
    assert_line("secret", "secret");
    assert_line("secret\r\n", "secret\r");
    assert_line("12345678\n", "12345678");
}

static void test_what_follows_the_line_stays_in_the_input(void **state) {
    (void)state;
    char next = 0;
    assert_line("one\ntwo\n", "one");
    assert_int_equal(read(STDIN_FILENO, &next, 1), 1);
    assert_int_equal(next, 't');
}

static void test_nothing_and_too_much(void **state) {
    (void)state;
    assert_fails("", GW_NOT_FOUND);
    assert_fails("\nmore", GW_NOT_FOUND);
    assert_fails("123456789\n", GW_TOO_BIG);
}

static void test_an_input_that_cannot_be_read(void **state) {
    (void)state;
    char line[8];
    size_t length = 0;
    const char *failed = NULL;
    int directory = open("/", O_RDONLY | O_DIRECTORY);
    assert_int_equal(dup2(directory, STDIN_FILENO), STDIN_FILENO);
    (void)close(directory);
    assert_int_equal(gw_secret_input_read("", line, sizeof(line), &length, &failed), GW_SYSTEM);
    assert_int_equal(errno, EISDIR);
    assert_string_equal(failed, "cannot read standard input");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_ends_at_its_end_or_that_of_the_input),
        cmocka_unit_test(test_what_follows_the_line_stays_in_the_input),
        cmocka_unit_test(test_nothing_and_too_much),
        cmocka_unit_test(test_an_input_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, save_input, restore_input);
}
