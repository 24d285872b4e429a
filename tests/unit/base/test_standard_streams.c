// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/standard_streams.h"

// In a child without the streams in `closed`: 0 when each is there then, and cannot be used, and
// the next file gets another number.
static int status_without(const int *closed, int count) {
    char byte = 'x';
    for (int i = 0; i < count; i++)
        (void)close(closed[i]);
    if (!gw_standard_streams_keep())
        return 1;
    for (int i = 0; i < count; i++) {
        ssize_t done =
            closed[i] == STDIN_FILENO ? read(closed[i], &byte, 1) : write(closed[i], &byte, 1);
        if (done >= 0)
            return 2;
    }
    return open("/dev/null", O_RDONLY) > STDERR_FILENO ? 0 : 3;
}

static void assert_kept(const int *closed, int count) {
    pid_t child = fork();
    if (child == 0)
        _exit(status_without(closed, count));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_closed_streams_keep_their_numbers(void **state) {
    (void)state;
    static const int all[] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
    assert_kept(all, 3);
    assert_kept(all, 1);
    assert_kept(&all[1], 1);
    assert_kept(&all[2], 1);
    assert_kept(&all[1], 2);
}

static void test_open_streams_stay_as_they_are(void **state) {
    (void)state;
    int ends[2];
    int saved = dup(STDIN_FILENO);
    char byte = 0;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    assert_true(gw_standard_streams_keep());
    assert_int_equal(write(ends[1], "y", 1), 1);
    assert_int_equal(read(STDIN_FILENO, &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
    (void)close(saved);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_streams_keep_their_numbers),
        cmocka_unit_test(test_open_streams_stay_as_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
