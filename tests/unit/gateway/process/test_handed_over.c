// SPDX-License-Identifier: MIT
// The sockets stand where a service manager puts them, from descriptor 3 on.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/process/handed_over.h"

#define FIRST_FD 3

// A socket at `fd`.
static void put_socket(int fd, int type, bool listens) {
    const struct sockaddr_in any = {.sin_family = AF_INET,
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int made = socket(AF_INET, type, 0);
    assert_true(made >= 0);
    assert_int_equal(bind(made, (const struct sockaddr *)&any, sizeof(any)), 0);
    if (listens)
        assert_int_equal(listen(made, 1), 0);
    if (made != fd) {
        assert_int_equal(dup2(made, fd), fd);
        close(made);
    }
}

static void set_variables(int pid, const char *count, const char *names) {
    char text[16];
    (void)snprintf(text, sizeof(text), "%d", pid);
    setenv("LISTEN_PID", text, 1);
    setenv("LISTEN_FDS", count, 1);
    if (names != NULL)
        setenv("LISTEN_FDNAMES", names, 1);
}

static void assert_forgotten(void) {
    assert_null(getenv("LISTEN_PID"));
    assert_null(getenv("LISTEN_FDS"));
    assert_null(getenv("LISTEN_FDNAMES"));
}

static void test_each_socket_takes_the_place_of_its_address(void **state) {
    (void)state;
    struct gw_handed_over sockets;
    struct gw_config config = {.listen_https = "0.0.0.0:8443", .tls_certs = {.count = 1}};
    put_socket(FIRST_FD, SOCK_STREAM, true);
    put_socket(FIRST_FD + 1, SOCK_STREAM, true);
    set_variables(getpid(), "2", "admin:https");
    assert_int_equal(gw_handed_over_take(&sockets, &config), GW_OK);
    assert_int_equal(sockets.fds[GW_PORT_ADMIN], FIRST_FD);
    assert_int_equal(sockets.fds[GW_PORT_HTTPS], FIRST_FD + 1);
    assert_int_equal(sockets.fds[GW_PORT_HTTP], -1);
    assert_string_equal(config.listen_https, "handed over");
    assert_string_equal(config.listen_admin, "handed over");
    assert_null(config.listen_http);
    assert_true((fcntl(FIRST_FD, F_GETFD) & FD_CLOEXEC) != 0);
    assert_forgotten();
    close(FIRST_FD);
    close(FIRST_FD + 1);
}

static void test_those_of_another_process_are_not_taken(void **state) {
    (void)state;
    struct gw_handed_over sockets;
    struct gw_config config = {.listen_http = "127.0.0.1:0"};
    set_variables(getpid() + 1, "1", "http");
    assert_int_equal(gw_handed_over_take(&sockets, &config), GW_OK);
    assert_int_equal(sockets.fds[GW_PORT_HTTP], -1);
    assert_string_equal(config.listen_http, "127.0.0.1:0");
    assert_forgotten();
}

static void test_what_cannot_be_used_is_refused(void **state) {
    (void)state;
    put_socket(FIRST_FD, SOCK_STREAM, true);
    put_socket(FIRST_FD + 1, SOCK_STREAM, true);
    put_socket(FIRST_FD + 2, SOCK_DGRAM, false);
    put_socket(FIRST_FD + 3, SOCK_STREAM, false);
    static const struct {
        const char *count, *names;
    } cases[] = {{"1", "gateway.socket"},     // the name that systemd gives by itself
                 {"1", ""},                   // none at all
                 {"2", "http:http"},          // twice
                 {"3", "http:admin:https"},   // not TCP
                 {"4", "http:admin::https"},  // without a name
                 {"1", "https"},              // for which there is no certificate
                 {"9", "http:admin:https:"}}; // more than there are
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gw_handed_over sockets;
        struct gw_config config = {.listen_http = NULL};
        set_variables(getpid(), cases[i].count, cases[i].names);
        assert_int_equal(gw_handed_over_take(&sockets, &config), GW_INVALID);
        assert_forgotten();
    }
    for (int fd = FIRST_FD; fd < FIRST_FD + 4; fd++)
        close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_socket_takes_the_place_of_its_address),
        cmocka_unit_test(test_those_of_another_process_are_not_taken),
        cmocka_unit_test(test_what_cannot_be_used_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
