// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/status.h"

struct holder {
    int before;
    int member;
};

static void test_every_status_has_its_own_text(void **state) {
    (void)state;
    assert_string_equal(gw_status_text(GW_OK), "ok");
    assert_string_equal(gw_status_text(GW_TOO_BIG), "over its limit");
    for (int a = GW_OK; a <= GW_SYSTEM; a++) {
        for (int b = GW_OK; b < a; b++)
            assert_string_not_equal(gw_status_text((enum gw_status)a),
                                    gw_status_text((enum gw_status)b));
    }
}

static void test_a_number_that_is_no_status_is_survived(void **state) {
    (void)state;
    assert_string_equal(gw_status_text((enum gw_status)(GW_SYSTEM + 1)), "unknown status");
}

static void test_container_of_finds_the_owner(void **state) {
    (void)state;
    struct holder holder = {0};
    assert_ptr_equal(gw_container_of(&holder.member, struct holder, member), &holder);
}

static void test_failed_assertion_writes_one_line_and_aborts(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        gw_assert(1 == 2);
        _exit(0);
    }
    (void)close(ends[1]);
    char text[512];
    ssize_t length = read(ends[0], text, sizeof(text) - 1);
    (void)close(ends[0]);
    assert_true(length > 0);
    text[length] = '\0';
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(text, "test_status.c"));
    assert_non_null(strstr(text, "assertion failed: 1 == 2\n"));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_status_has_its_own_text),
        cmocka_unit_test(test_a_number_that_is_no_status_is_survived),
        cmocka_unit_test(test_container_of_finds_the_owner),
        cmocka_unit_test(test_failed_assertion_writes_one_line_and_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
