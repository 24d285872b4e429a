// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "gateway/client/untrusted_peers.h"

static int pipe_ends[2];
static int stderr_before;

static int set_up(void **state) {
    (void)state;
    stderr_before = dup(STDERR_FILENO);
    assert_int_equal(pipe(pipe_ends), 0);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    close(stderr_before);
    return 0;
}

// What one connection puts into the log.
static void note(struct gw_untrusted_peers *peers, const char *address, uint64_t now_ms,
                 char text[512]) {
    assert_int_equal(write(pipe_ends[1], "-", 1), 1); // so that there is something to read
    dup2(pipe_ends[1], STDERR_FILENO);
    gw_untrusted_peers_note(peers, address, now_ms);
    dup2(stderr_before, STDERR_FILENO);
    ssize_t length = read(pipe_ends[0], text, 511);
    assert_true(length >= 1);
    text[length] = '\0';
}

static void test_many_connections_are_one_line_in_ten_seconds(void **state) {
    (void)state;
    char text[512];
    struct gw_untrusted_peers peers = {.unsaid = 0};
    note(&peers, "192.0.2.1", 1000, text);
    assert_non_null(strstr(text, " warning client "));
    assert_non_null(strstr(text, " --trusted-proxies peer=192.0.2.1 times=1 todo=\""));
    note(&peers, "192.0.2.1", 2000, text);
    assert_string_equal(text, "-");
    note(&peers, "192.0.2.1", 1000 + GW_UNTRUSTED_PEERS_QUIET_MS - 1, text);
    assert_string_equal(text, "-");
    note(&peers, "192.0.2.2", 1000 + GW_UNTRUSTED_PEERS_QUIET_MS, text);
    assert_non_null(strstr(text, " peer=192.0.2.2 times=3 "));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_many_connections_are_one_line_in_ten_seconds, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
