// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "cli/api_client.h"

// A port of this machine that takes connections (the kernel does) and never answers.
struct silent_server {
    int socket;
    char base_url[64];
};

static void start_silent(struct silent_server *server) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    server->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(server->socket >= 0);
    assert_int_equal(bind(server->socket, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(server->socket, 8), 0);
    assert_int_equal(getsockname(server->socket, (struct sockaddr *)&address, &length), 0);
    snprintf(server->base_url, sizeof(server->base_url), "http://127.0.0.1:%u/api/v1",
             (unsigned)ntohs(address.sin_port));
}

struct outcome {
    enum cli_exit exit;
    bool was_sent;
};

// `time_ms` from now the deadline is; 0: there is none.
static struct outcome ask(const char *base_url, long total_timeout_ms, uint64_t time_ms,
                          struct cli_reason *why) {
    const struct cli_api_client_options options = {
        .base_url = base_url,
        .token = "sr_live_SECRET",
        .connect_timeout_ms = 1000,
        .total_timeout_ms = total_timeout_ms,
    };
    const struct cli_api_request request = {.method = "GET", .path = "/auth/whoami"};
    struct cli_api_client client;
    struct cli_api_response response;
    assert_int_equal(cli_api_client_open(&client, &options, why), CLI_DONE);
    client.deadline_ms = time_ms > 0 ? gw_clock_monotonic_ms() + time_ms : 0;
    struct outcome outcome = {.exit = cli_api_client_send(&client, &request, &response, why)};
    outcome.was_sent = client.was_sent;
    cli_api_client_close(&client);
    assert_null(strstr(why->text, "SECRET"));
    return outcome;
}

static void test_api_client_gives_up_on_a_server_that_never_answers(void **state) {
    (void)state;
    struct silent_server server;
    struct cli_reason why = {.text = ""};
    start_silent(&server);
    struct outcome outcome = ask(server.base_url, 150, 0, &why);
    assert_int_equal(outcome.exit, CLI_UNREACHABLE);
    assert_true(outcome.was_sent);
    assert_non_null(strstr(why.text, "in time"));
    (void)close(server.socket);
}

static void test_api_client_ends_several_requests_at_their_deadline(void **state) {
    (void)state;
    struct silent_server server;
    struct cli_reason why = {.text = ""};
    start_silent(&server);
    uint64_t before_ms = gw_clock_monotonic_ms();
    assert_int_equal(ask(server.base_url, 50000, 150, &why).exit, CLI_UNREACHABLE);
    assert_true(gw_clock_monotonic_ms() - before_ms < 40000);
    assert_non_null(strstr(why.text, "in time"));
    (void)close(server.socket);
}

static void test_api_client_says_that_nothing_listens(void **state) {
    (void)state;
    struct silent_server server;
    struct cli_reason why = {.text = ""};
    start_silent(&server);
    (void)close(server.socket);
    struct outcome outcome = ask(server.base_url, 5000, 0, &why);
    assert_int_equal(outcome.exit, CLI_UNREACHABLE);
    assert_false(outcome.was_sent);
    assert_non_null(strstr(why.text, "cannot connect to http://127.0.0.1:"));
    assert_non_null(strstr(why.text, "Connection refused"));
}

static int start_curl(void **state) {
    (void)state;
    return (int)curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int stop_curl(void **state) {
    (void)state;
    curl_global_cleanup();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_client_gives_up_on_a_server_that_never_answers),
        cmocka_unit_test(test_api_client_ends_several_requests_at_their_deadline),
        cmocka_unit_test(test_api_client_says_that_nothing_listens),
    };
    return cmocka_run_group_tests(tests, start_curl, stop_curl);
}
