// SPDX-License-Identifier: MIT
// The manager is a datagram socket of the test's own.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/process/notify.h"

#define PATH_BYTES 64
#define NUMBER_BYTES 16

// Listens where NOTIFY_SOCKET then says.
static int manager_open(const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(name);
    memcpy(address.sun_path, name, length);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static void watch_for(int pid) {
    char text[NUMBER_BYTES];
    (void)snprintf(text, sizeof(text), "%d", pid);
    setenv("WATCHDOG_USEC", "30000000", 1);
    setenv("WATCHDOG_PID", text, 1);
}

static void assert_heard(int manager, const char *message) {
    char text[PATH_BYTES] = "";
    assert_int_equal(recv(manager, text, sizeof(text) - 1, 0), strlen(message));
    assert_string_equal(text, message);
}

static void assert_heard_nothing(int manager) {
    char text[PATH_BYTES];
    assert_int_equal(recv(manager, text, sizeof(text), 0), -1);
}

static void assert_forgotten(void) {
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_null(getenv("WATCHDOG_USEC"));
    assert_null(getenv("WATCHDOG_PID"));
}

static void tell_everything(const struct gw_notify *notify) {
    gw_notify_ready(notify);
    gw_notify_beat(notify);
    gw_notify_stopping(notify);
}

static void hears_all_of_it(const char *name) {
    struct gw_notify notify;
    int manager = manager_open(name);
    watch_for(getpid());
    gw_notify_open(&notify);
    assert_forgotten();
    tell_everything(&notify);
    assert_heard(manager, "READY=1");
    assert_heard(manager, "WATCHDOG=1");
    assert_heard(manager, "STOPPING=1");
    assert_heard_nothing(manager);
    gw_notify_close(&notify);
    tell_everything(&notify);
    assert_heard_nothing(manager);
    close(manager);
}

static void test_a_manager_hears_at_a_path_and_at_an_abstract_name(void **state) {
    (void)state;
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "/tmp/skillreg-notify-%d", (int)getpid());
    unlink(path);
    hears_all_of_it(path);
    unlink(path);
    path[0] = '@';
    hears_all_of_it(path);
}

static void test_beats_are_for_the_process_that_is_watched(void **state) {
    (void)state;
    char name[PATH_BYTES];
    (void)snprintf(name, sizeof(name), "@skillreg-notify-%d", (int)getpid());
    for (int is_watched = 0; is_watched < 2; is_watched++) {
        struct gw_notify notify;
        int manager = manager_open(name);
        if (is_watched)
            watch_for(getpid() + 1);
        gw_notify_open(&notify);
        assert_forgotten();
        gw_notify_beat(&notify);
        assert_heard_nothing(manager);
        gw_notify_close(&notify);
        close(manager);
    }
}

static void test_without_a_manager_nothing_is_told(void **state) {
    (void)state;
    static char too_long[256];
    memset(too_long, '/', sizeof(too_long) - 1);
    const char *const names[] = {NULL, "", "relative", too_long};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct gw_notify notify;
        if (names[i] != NULL)
            setenv("NOTIFY_SOCKET", names[i], 1);
        watch_for(getpid());
        gw_notify_open(&notify);
        assert_int_equal(notify.fd, -1);
        assert_forgotten();
        tell_everything(&notify);
        gw_notify_close(&notify);
    }
}

static void test_a_manager_that_is_gone_does_no_harm(void **state) {
    (void)state;
    struct gw_notify notify;
    setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
    gw_notify_open(&notify);
    tell_everything(&notify);
    gw_notify_close(&notify);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_manager_hears_at_a_path_and_at_an_abstract_name),
        cmocka_unit_test(test_beats_are_for_the_process_that_is_watched),
        cmocka_unit_test(test_without_a_manager_nothing_is_told),
        cmocka_unit_test(test_a_manager_that_is_gone_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
