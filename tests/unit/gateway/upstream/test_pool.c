// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "gateway/exchange/services.h"
#include "gateway/http/parse.h"
#include "gateway/net/transport.h"
#include "gateway/settings/config.h"
#include "gateway/upstream/balancer.h"
#include "gateway/upstream/pool.h"
#include "tests/support/scripted_server.h"

#define WATCHDOG_MS 60000
#define SHORT_MS 500 // in which what this process sends to itself surely comes
#define MANY_BYTES ((size_t)32 * 1024 * 1024)

#define GET_LINE "GET /a HTTP/1.1\r\n"
#define OK_2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
// clang-format off
#define AWAIT_HEAD {.kind = SCRIPT_AWAIT, .text = "\r\n\r\n"}
#define SEND(bytes) {.kind = SCRIPT_SEND, .text = (bytes)}
#define TRICKLE(bytes) {.kind = SCRIPT_TRICKLE, .text = (bytes)}
#define AWAIT(bytes) {.kind = SCRIPT_AWAIT, .text = (bytes)}
#define HOLD {.kind = SCRIPT_HOLD}
#define VANISH {.kind = SCRIPT_VANISH}
#define CLOSE {.kind = SCRIPT_CLOSE}
#define RESET {.kind = SCRIPT_RESET}
#define SEND_MANY(bytes) {.kind = SCRIPT_SEND_MANY, .count = (bytes)}
#define END {.kind = SCRIPT_END}
// clang-format on

static const struct script_step held[] = {AWAIT_HEAD, HOLD, SEND(OK_2), END};

struct fixture {
    uv_loop_t loop;
    uv_timer_t watchdog;
    struct gw_services services;
    struct gw_metrics metrics;
    struct gw_deadline_kind kinds[GW_DEADLINE_COUNT];
    struct gw_deadlines deadlines;
    struct gw_upstream *upstream;
    struct scripted_server server;
    struct scripted_server second; // of those tests that open it
    char urls[300];
};

// One call and all that it was told.
struct caller {
    struct gw_upstream_call call;
    int status;
    bool has_length;
    uint64_t length;
    char fields[512];
    char body[512]; // the first bytes of it
    size_t body_bytes;
    int head_count, end_count, error_count, writable_count;
    enum gw_status error;
    bool is_inside; // a function of the upstream is running: nothing may be called back
    bool aborts_in_body;
    size_t pause_above;  // pauses once more body bytes than this came
    struct caller *next; // started from on_end
    struct gw_upstream *upstream;
};

// ---- the caller ----

static struct caller *caller_of(struct gw_upstream_call *call) {
    return gw_container_of(call, struct caller, call);
}

static void assert_may_be_called(const struct caller *caller) {
    assert_false(caller->is_inside);
    assert_int_equal(caller->end_count + caller->error_count, 0);
}

static void on_head(struct gw_upstream_call *call, const struct gw_http_head *head) {
    struct caller *caller = caller_of(call);
    assert_may_be_called(caller);
    caller->head_count++;
    caller->status = head->status;
    caller->has_length = head->has_content_length;
    caller->length = head->content_length;
    for (int i = 0; i < head->field_count; i++) {
        size_t used = strlen(caller->fields);
        (void)snprintf(caller->fields + used, sizeof(caller->fields) - used, "%.*s=%.*s;",
                       GW_STR_ARG(head->fields[i].name), GW_STR_ARG(head->fields[i].value));
    }
}

static void on_body(struct gw_upstream_call *call, struct gw_str bytes) {
    struct caller *caller = caller_of(call);
    assert_may_be_called(caller);
    assert_int_equal(caller->head_count, 1);
    for (size_t i = 0; i < bytes.length && caller->body_bytes + i < sizeof(caller->body) - 1; i++)
        caller->body[caller->body_bytes + i] = bytes.at[i];
    caller->body_bytes += bytes.length;
    if (caller->aborts_in_body)
        gw_upstream_call_abort(call);
    else if (caller->pause_above != 0 && caller->body_bytes > caller->pause_above)
        gw_upstream_call_pause(call);
}

static void start(struct fixture *fixture, struct caller *caller,
                  const struct gw_upstream_request *request);

static void on_end(struct gw_upstream_call *call) {
    struct caller *caller = caller_of(call);
    assert_may_be_called(caller);
    assert_true(gw_upstream_call_is_over(call));
    caller->end_count++;
    if (caller->next != NULL) {
        static const struct gw_upstream_request get = {
            .line = GW_STR_INIT(GET_LINE), .fields = GW_STR_INIT("\r\n"), .is_idempotent = true};
        struct fixture fixture = {.upstream = caller->upstream};
        start(&fixture, caller->next, &get);
    }
}

static void on_writable(struct gw_upstream_call *call) {
    struct caller *caller = caller_of(call);
    assert_may_be_called(caller);
    assert_true(gw_upstream_call_is_writable(call));
    caller->writable_count++;
}

static void on_error(struct gw_upstream_call *call, enum gw_status status) {
    struct caller *caller = caller_of(call);
    assert_may_be_called(caller);
    assert_true(gw_upstream_call_is_over(call));
    assert_true(strlen(gw_upstream_call_reason(call)) > 0);
    caller->error_count++;
    caller->error = status;
}

static const struct gw_upstream_call_events call_events = {
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
    .on_writable = on_writable,
    .on_error = on_error,
};

static void start(struct fixture *fixture, struct caller *caller,
                  const struct gw_upstream_request *request) {
    caller->upstream = fixture->upstream;
    caller->is_inside = true;
    assert_int_equal(
        gw_upstream_call_start(fixture->upstream, &caller->call, &call_events, request), GW_OK);
    caller->is_inside = false;
}

static void start_get(struct fixture *fixture, struct caller *caller) {
    const struct gw_upstream_request request = {
        .line = GW_STR(GET_LINE), .fields = GW_STR("\r\n"), .is_idempotent = true};
    start(fixture, caller, &request);
}

static void start_post(struct fixture *fixture, struct caller *caller, enum gw_upstream_body body) {
    const struct gw_upstream_request request = {
        .line = GW_STR("POST /a HTTP/1.1\r\n"),
        .fields = body == GW_UPSTREAM_BODY_SIZED ? GW_STR("Content-Length: 6\r\n\r\n")
                                                 : GW_STR("Transfer-Encoding: chunked\r\n\r\n"),
        .body = body};
    start(fixture, caller, &request);
}

static void send_body(struct caller *caller, const char *text) {
    caller->is_inside = true;
    assert_int_equal(gw_upstream_call_send_body(&caller->call, gw_str_from(text)), GW_OK);
    caller->is_inside = false;
}

static void end_body(struct caller *caller) {
    caller->is_inside = true;
    assert_int_equal(gw_upstream_call_end_body(&caller->call), GW_OK);
    caller->is_inside = false;
}

static bool is_done(const struct caller *caller) {
    return caller->end_count + caller->error_count > 0;
}

// ---- the loop ----

static void on_watchdog(uv_timer_t *timer) {
    (void)timer;
    fail_msg("nothing happened for too long");
}

static void open_fixture(struct fixture *fixture, const struct script_step *const *scripts) {
    memset(fixture, 0, sizeof(*fixture));
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    assert_int_equal(uv_timer_init(&fixture->loop, &fixture->watchdog), 0);
    assert_int_equal(uv_timer_start(&fixture->watchdog, on_watchdog, WATCHDOG_MS, 0), 0);
    for (int i = 0; i < GW_DEADLINE_COUNT; i++)
        gw_deadline_kind_init(&fixture->kinds[i], 2 * WATCHDOG_MS);
    gw_deadlines_open(&fixture->deadlines, &fixture->loop, fixture->kinds, GW_DEADLINE_COUNT);
    fixture->services.loop = &fixture->loop;
    fixture->services.deadlines = fixture->kinds;
    fixture->services.metrics = &fixture->metrics;
    assert_int_equal(gw_transport_shared_create(&fixture->services.transport_shared), GW_OK);
    scripted_server_open(&fixture->server, &fixture->loop, scripts);
}

static void open_upstream(struct fixture *fixture) {
    const char *const texts[] = {fixture->urls};
    struct gw_upstream_problem problem;
    assert_int_equal(
        gw_upstream_create(&fixture->services,
                           &(struct gw_upstream_options){.texts = texts, .text_count = 1},
                           &fixture->upstream, &problem),
        GW_OK);
}

static void open_upstream_at(struct fixture *fixture, const char *host) {
    (void)snprintf(fixture->urls, sizeof(fixture->urls), "http://%s:%d", host,
                   fixture->server.port);
    open_upstream(fixture);
}

static void open_all(struct fixture *fixture, const struct script_step *const *scripts) {
    open_fixture(fixture, scripts);
    open_upstream_at(fixture, "127.0.0.1");
}

static void open_two(struct fixture *fixture, const struct script_step *const *scripts,
                     const struct script_step *const *second) {
    open_fixture(fixture, scripts);
    scripted_server_open(&fixture->second, &fixture->loop, second);
    (void)snprintf(fixture->urls, sizeof(fixture->urls), "http://127.0.0.1:%d, http://127.0.0.1:%d",
                   fixture->server.port, fixture->second.port);
    open_upstream(fixture);
}

static void on_upstream_closed(struct gw_upstream *upstream) {
    (void)upstream;
}

static void close_all(struct fixture *fixture) {
    gw_upstream_close(fixture->upstream, on_upstream_closed);
    scripted_server_close(&fixture->server);
    if (fixture->second.loop != NULL)
        scripted_server_close(&fixture->second);
    gw_deadlines_close(&fixture->deadlines, NULL);
    uv_close((uv_handle_t *)&fixture->watchdog, NULL);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    gw_transport_shared_destroy(fixture->services.transport_shared);
    scripted_server_deinit(&fixture->server);
    scripted_server_deinit(&fixture->second);
}

static void turn(struct fixture *fixture) {
    uv_run(&fixture->loop, UV_RUN_ONCE);
}

static void run_until_done(struct fixture *fixture, const struct caller *caller) {
    while (!is_done(caller))
        turn(fixture);
}

static void run_until_idle_is(struct fixture *fixture, int count) {
    struct gw_upstream_stats stats;
    for (;;) {
        gw_upstream_stats(fixture->upstream, &stats);
        if (stats.connections_idle == count)
            return;
        turn(fixture);
    }
}

static void run_until_received(struct fixture *fixture, const struct scripted_server *server,
                               int index, const char *text) {
    for (;;) {
        if (server->connection_count > index) {
            struct gw_str bytes = scripted_server_received(server, index);
            if (bytes.length > 0 && memmem(bytes.at, bytes.length, text, strlen(text)) != NULL)
                return;
        }
        turn(fixture);
    }
}

static int idle_count(const struct fixture *fixture) {
    struct gw_upstream_stats stats;
    gw_upstream_stats(fixture->upstream, &stats);
    return stats.connections_idle;
}

static void assert_answered(const struct caller *caller, int status, const char *body) {
    if (caller->error_count != 0)
        fail_msg("error: %s", gw_upstream_call_reason(&caller->call));
    assert_int_equal(caller->end_count, 1);
    assert_int_equal(caller->head_count, 1);
    assert_int_equal(caller->status, status);
    assert_string_equal(caller->body, body);
}

static void assert_failed(const struct caller *caller, enum gw_status status) {
    assert_int_equal(caller->end_count, 0);
    assert_int_equal(caller->error_count, 1);
    if (caller->error != status)
        fail_msg("%s, not %s: %s", gw_status_text(caller->error), gw_status_text(status),
                 gw_upstream_call_reason(&caller->call));
}

// Plays one GET against one script and leaves the outcome in `caller`.
static void get_once(const struct script_step *script, struct caller *caller, int *idle) {
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    open_all(&fixture, scripts);
    *caller = (struct caller){.status = 0};
    start_get(&fixture, caller);
    run_until_done(&fixture, caller);
    if (idle != NULL)
        *idle = idle_count(&fixture);
    close_all(&fixture);
}

// ---- responses ----

static void test_a_response_comes_back_and_the_connection_is_kept(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_HEAD, SEND("HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 2\r\n\r\nok"), END};
    struct caller caller;
    int idle;
    get_once(script, &caller, &idle);
    assert_answered(&caller, 200, "ok");
    assert_true(caller.has_length);
    assert_string_equal(caller.fields, "A=b;Content-Length=2;");
    assert_int_equal(idle, 1);
}

static void test_a_response_may_come_in_single_bytes(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_HEAD,
        TRICKLE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer-Field: no\r\n\r\n"),
        END};
    struct caller caller;
    int idle;
    get_once(script, &caller, &idle);
    assert_answered(&caller, 200, "abcde");
    assert_false(caller.has_length);
    assert_int_equal(idle, 1);
}

static void test_a_response_without_body_is_complete_with_its_head(void **state) {
    (void)state;
    static const char *const heads[] = {
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        const struct script_step script[] = {AWAIT_HEAD, SEND(heads[i]), END};
        struct caller caller;
        int idle;
        get_once(script, &caller, &idle);
        assert_int_equal(caller.end_count, 1);
        assert_int_equal(caller.body_bytes, 0);
        assert_int_equal(idle, 1);
    }
}

static void test_a_response_to_head_has_a_length_and_no_body(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_HEAD,
        SEND("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
             "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"),
        END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    struct caller caller = {.status = 0};
    open_all(&fixture, scripts);
    const struct gw_upstream_request request = {.line = GW_STR("HEAD / HTTP/1.1\r\n"),
                                                .fields = GW_STR("\r\n"),
                                                .is_head = true,
                                                .is_idempotent = true};
    start(&fixture, &caller, &request);
    run_until_done(&fixture, &caller);
    assert_answered(&caller, 200, "");
    assert_int_equal(caller.length, 500);
    assert_int_equal(idle_count(&fixture), 1);
    close_all(&fixture);
}

static void test_a_response_framed_by_close_ends_with_it_and_is_not_kept(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD, SEND("HTTP/1.1 200 OK\r\n\r\nab"),
                                                SEND("cd"), CLOSE, END};
    struct caller caller;
    int idle;
    get_once(script, &caller, &idle);
    assert_answered(&caller, 200, "abcd");
    assert_int_equal(idle, 0);
}

static void test_a_connection_is_not_kept_when_the_response_says_close(void **state) {
    (void)state;
    static const char *const responses[] = {
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    };
    for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++) {
        const struct script_step script[] = {AWAIT_HEAD, SEND(responses[i]), END};
        struct caller caller;
        int idle;
        get_once(script, &caller, &idle);
        assert_answered(&caller, 200, "ok");
        assert_int_equal(idle, 0);
    }
}

static void test_bytes_behind_a_response_are_dropped_with_the_connection(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD, SEND(OK_2 OK_2), END};
    struct caller caller;
    int idle;
    get_once(script, &caller, &idle);
    assert_answered(&caller, 200, "ok");
    assert_int_equal(idle, 0);
}

static void
test_a_body_behind_a_head_that_allows_none_is_dropped_with_the_connection(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_HEAD, SEND("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello"), END};
    struct caller caller;
    int idle;
    get_once(script, &caller, &idle);
    assert_answered(&caller, 204, "");
    assert_int_equal(idle, 0);
}

static void test_a_connection_is_not_kept_when_a_body_is_framed_that_may_not_be(void **state) {
    (void)state;
    static const struct {
        const char *head;
        int idle;
    } cases[] = {
        {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 0},
        {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", 0},
        {"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", 0},
        {"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 1},
        {"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n"
         "HTTP/1.1 204 No Content\r\n\r\n",
         0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct script_step script[] = {AWAIT_HEAD, SEND(cases[i].head), END};
        struct caller caller;
        int idle;
        get_once(script, &caller, &idle);
        assert_int_equal(caller.end_count, 1);
        assert_int_equal(idle, cases[i].idle);
    }
}

static void test_interim_responses_are_skipped(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_HEAD,
        SEND("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
        SEND("HTTP/1.1 102 Processing\r\n\r\n" OK_2), END};
    struct caller caller;
    int idle;
    get_once(script, &caller, &idle);
    assert_answered(&caller, 200, "ok");
    assert_int_equal(idle, 1);
}

static void test_a_flood_of_interim_responses_is_refused(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD,
#define FOUR                                                                                       \
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"                                   \
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
                                                SEND(FOUR FOUR FOUR FOUR FOUR OK_2), END};
#undef FOUR
    struct caller caller;
    get_once(script, &caller, NULL);
    assert_failed(&caller, GW_INVALID);
}

static void test_what_is_no_valid_response_is_refused(void **state) {
    (void)state;
    static const char *const responses[] = {
        "SSH-2.0-OpenSSH_9\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 700 Odd\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    };
    for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++) {
        const struct script_step script[] = {AWAIT_HEAD, SEND(responses[i]), END};
        struct caller caller;
        int idle;
        get_once(script, &caller, &idle);
        if (caller.error_count != 1 || caller.error != GW_INVALID)
            fail_msg("accepted: %s", responses[i]);
        assert_int_equal(idle, 0);
    }
}

static void test_a_head_without_end_is_refused(void **state) {
    (void)state;
    static char fields[GW_HTTP_HEAD_BYTES_MAX + 100] = "HTTP/1.1 200 OK\r\n";
    size_t length = strlen(fields);
    while (length + 40 < sizeof(fields)) {
        memcpy(fields + length, "A: 0123456789012345678901234567890123\r\n", 39);
        length += 39;
    }
    const struct script_step script[] = {AWAIT_HEAD, SEND(fields), END};
    struct caller caller;
    get_once(script, &caller, NULL);
    assert_failed(&caller, GW_INVALID);
}

static void test_a_broken_chunk_fails_a_response_that_has_begun(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_HEAD, SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n"),
        END};
    struct caller caller;
    get_once(script, &caller, NULL);
    assert_failed(&caller, GW_INVALID);
    assert_int_equal(caller.head_count, 1);
}

static void test_an_early_close_is_told_from_a_whole_response(void **state) {
    (void)state;
    static const char *const parts[] = {
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const struct script_step script[] = {AWAIT_HEAD, SEND(parts[i]), CLOSE, END};
        struct caller caller;
        get_once(script, &caller, NULL);
        if (caller.error_count != 1 || caller.error != GW_CLOSED)
            fail_msg("taken as whole: %s", parts[i]);
    }
}

static void test_a_reset_within_a_response_framed_by_close_is_no_end(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD, SEND("HTTP/1.1 200 OK\r\n\r\nab"), HOLD,
                                                RESET, END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    struct caller caller = {.status = 0};
    open_all(&fixture, scripts);
    start_get(&fixture, &caller);
    while (caller.body_bytes < 2)
        turn(&fixture);
    scripted_server_release(&fixture.server, 0);
    run_until_done(&fixture, &caller);
    assert_failed(&caller, GW_CLOSED);
    close_all(&fixture);
}

// ---- the pool ----

static void test_a_pooled_connection_carries_the_next_request(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD, SEND(OK_2), AWAIT_HEAD,
                                                SEND("HTTP/1.1 404 Not Found\r\n"
                                                     "Content-Length: 1\r\n\r\nn"),
                                                END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    struct caller first = {.status = 0}, second = {.status = 0};
    open_all(&fixture, scripts);
    first.next = &second; // started inside on_end of the first
    start_get(&fixture, &first);
    run_until_done(&fixture, &second);
    assert_answered(&first, 200, "ok");
    assert_answered(&second, 404, "n");
    assert_int_equal(fixture.server.connection_count, 1);
    assert_int_equal(fixture.metrics.upstream_connects_total, 1);
    assert_int_equal(fixture.metrics.upstream_requests_total, 2);
    close_all(&fixture);
}

static void test_concurrent_requests_have_a_connection_each(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD, HOLD, SEND(OK_2), END};
    const struct script_step *const scripts[] = {script, script, script, NULL};
    struct fixture fixture;
    struct caller callers[3] = {{.status = 0}};
    open_all(&fixture, scripts);
    for (int i = 0; i < 3; i++)
        start_get(&fixture, &callers[i]);
    for (int i = 0; i < 3; i++)
        run_until_received(&fixture, &fixture.server, i, "\r\n\r\n");
    for (int i = 0; i < 3; i++)
        scripted_server_release(&fixture.server, i);
    run_until_idle_is(&fixture, 3);
    for (int i = 0; i < 3; i++)
        assert_answered(&callers[i], 200, "ok");
    close_all(&fixture);
}

static void test_a_pooled_connection_that_closes_or_speaks_is_dropped(void **state) {
    (void)state;
    static const struct script_step closes[] = {AWAIT_HEAD, SEND(OK_2), HOLD, CLOSE, END};
    static const struct script_step speaks[] = {AWAIT_HEAD, SEND(OK_2), HOLD, SEND(OK_2), END};
    static const struct script_step resets[] = {AWAIT_HEAD, SEND(OK_2), HOLD, RESET, END};
    static const struct script_step *const variants[] = {closes, speaks, resets};
    for (int i = 0; i < 3; i++) {
        const struct script_step *const scripts[] = {variants[i], closes, NULL};
        struct fixture fixture;
        struct caller first = {.status = 0}, second = {.status = 0};
        open_all(&fixture, scripts);
        start_get(&fixture, &first);
        run_until_done(&fixture, &first);
        assert_int_equal(idle_count(&fixture), 1);
        scripted_server_release(&fixture.server, 0);
        run_until_idle_is(&fixture, 0);
        start_get(&fixture, &second);
        run_until_done(&fixture, &second);
        assert_answered(&second, 200, "ok");
        assert_int_equal(fixture.server.connection_count, 2);
        close_all(&fixture);
    }
}

static void test_an_idle_connection_has_a_deadline(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD, SEND(OK_2), END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    struct caller caller = {.status = 0};
    open_all(&fixture, scripts);
    fixture.kinds[GW_DEADLINE_UPSTREAM_IDLE].duration_ms = SHORT_MS;
    start_get(&fixture, &caller);
    run_until_done(&fixture, &caller);
    assert_int_equal(idle_count(&fixture), 1);
    run_until_idle_is(&fixture, 0);
    close_all(&fixture);
}

// The second request meets a connection that dies on it.
static void second_on_dying_connection(const struct script_step *dying, bool is_post,
                                       struct caller *second, int *connections) {
    static const struct script_step good[] = {AWAIT_HEAD, SEND(OK_2), END};
    const struct script_step *const scripts[] = {dying, good, NULL};
    struct fixture fixture;
    struct caller first = {.status = 0};
    open_all(&fixture, scripts);
    start_get(&fixture, &first);
    run_until_done(&fixture, &first);
    assert_answered(&first, 200, "ok");
    *second = (struct caller){.status = 0};
    if (is_post) {
        start_post(&fixture, second, GW_UPSTREAM_BODY_SIZED);
        send_body(second, "123456");
        end_body(second);
    } else {
        start_get(&fixture, second);
    }
    run_until_done(&fixture, second);
    *connections = fixture.server.connection_count;
    close_all(&fixture);
}

static void test_a_request_that_met_a_dead_pooled_connection_is_sent_once_more(void **state) {
    (void)state;
    static const struct script_step resets[] = {AWAIT_HEAD, SEND(OK_2), AWAIT_HEAD, RESET, END};
    static const struct script_step closes[] = {AWAIT_HEAD, SEND(OK_2), AWAIT_HEAD, CLOSE, END};
    static const struct script_step *const variants[] = {resets, closes};
    for (int i = 0; i < 2; i++) {
        struct caller second;
        int connections;
        second_on_dying_connection(variants[i], false, &second, &connections);
        assert_answered(&second, 200, "ok");
        assert_int_equal(connections, 2);
    }
}

static void test_a_request_with_a_body_is_not_sent_again(void **state) {
    (void)state;
    static const struct script_step resets[] = {AWAIT_HEAD, SEND(OK_2), AWAIT_HEAD, RESET, END};
    struct caller second;
    int connections;
    second_on_dying_connection(resets, true, &second, &connections);
    assert_failed(&second, GW_CLOSED);
    assert_int_equal(connections, 1);
}

static void test_a_request_whose_answer_has_begun_is_not_sent_again(void **state) {
    (void)state;
    static const struct script_step begins[] = {AWAIT_HEAD,           SEND(OK_2), AWAIT_HEAD,
                                                SEND("HTTP/1.1 200"), CLOSE,      END};
    struct caller second;
    int connections;
    second_on_dying_connection(begins, false, &second, &connections);
    assert_failed(&second, GW_CLOSED);
    assert_int_equal(connections, 1);
}

#define REQUEST_TIMEOUT "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"

static void test_a_request_that_met_a_farewell_is_sent_once_more(void **state) {
    (void)state;
    static const struct script_step says_408[] = {
        AWAIT_HEAD, SEND(OK_2), AWAIT_HEAD, SEND(REQUEST_TIMEOUT "Content-Length: 1\r\n\r\nn"),
        CLOSE,      END};
    static const struct script_step goes_on[] = {
        AWAIT_HEAD, SEND(OK_2), AWAIT_HEAD,
        SEND("HTTP/1.1 408 Request Timeout\r\nContent-Length: 1\r\n\r\nn"), END};
    struct caller second;
    int connections;
    second_on_dying_connection(says_408, false, &second, &connections);
    assert_answered(&second, 200, "ok");
    assert_int_equal(connections, 2);
    second_on_dying_connection(says_408, true, &second, &connections);
    assert_answered(&second, 408, "n"); // a body may have been read
    assert_int_equal(connections, 1);
    second_on_dying_connection(goes_on, false, &second, &connections);
    assert_answered(&second, 408, "n"); // this server means the request
    assert_int_equal(connections, 1);
}

static void test_a_farewell_of_a_fresh_connection_is_an_answer(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_HEAD, SEND(REQUEST_TIMEOUT "Content-Length: 1\r\n\r\nn"), CLOSE, END};
    struct caller caller;
    get_once(script, &caller, NULL);
    assert_answered(&caller, 408, "n");
}

static void test_a_fresh_connection_that_dies_is_no_reason_to_send_again(void **state) {
    (void)state;
    static const struct script_step closes[] = {AWAIT_HEAD, CLOSE, END};
    struct caller caller;
    get_once(closes, &caller, NULL);
    assert_failed(&caller, GW_CLOSED);
}

// ---- a look at what rests ----

static uv_os_fd_t socket_of(const uv_tcp_t *tcp) {
    uv_os_fd_t fd;
    assert_int_equal(uv_fileno((const uv_handle_t *)tcp, &fd), 0);
    return fd;
}

static void end_sending(uv_os_fd_t fd) {
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
}

static void speak(uv_os_fd_t fd) {
    assert_int_equal(send(fd, OK_2, strlen(OK_2), 0), strlen(OK_2));
}

static void reset(uv_os_fd_t fd) {
    const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    assert_int_equal(connect(fd, &nowhere, sizeof(nowhere)), 0);
}

// The registry acts between two requests, and the loop has no turn in which to read that.
static void test_a_resting_connection_is_looked_at_before_it_is_used(void **state) {
    (void)state;
    static const struct script_step rests[] = {AWAIT_HEAD, SEND(OK_2), END};
    static const struct script_step takes[] = {AWAIT("123456"), SEND(OK_2), END};
    static void (*const acts[])(uv_os_fd_t fd) = {end_sending, speak, reset};
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        const struct script_step *const scripts[] = {rests, takes, NULL};
        struct fixture fixture;
        struct caller first = {.status = 0}, second = {.status = 0};
        open_all(&fixture, scripts);
        start_get(&fixture, &first);
        run_until_done(&fixture, &first);
        assert_int_equal(idle_count(&fixture), 1);
        acts[i](socket_of(&fixture.server.connections[0].tcp));
        start_post(&fixture, &second, GW_UPSTREAM_BODY_SIZED);
        assert_int_equal(idle_count(&fixture), 0);
        send_body(&second, "123456");
        end_body(&second);
        run_until_done(&fixture, &second);
        assert_answered(&second, 200, "ok");
        assert_int_equal(fixture.server.connection_count, 2);
        close_all(&fixture);
    }
}

// They were on their way when the request was written, and acknowledge nothing of it.
static void test_bytes_from_before_a_request_are_no_answer_to_it(void **state) {
    if (!scripted_server_can_vanish())
        skip();
    (void)state;
    static const struct script_step late[] = {
        AWAIT_HEAD,
        SEND(OK_2),
        VANISH,
        HOLD,
        SEND("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"),
        END};
    static const struct script_step good[] = {AWAIT_HEAD, SEND(OK_2), END};
    const struct script_step *const scripts[] = {late, good, NULL};
    struct fixture fixture;
    struct caller first = {.status = 0}, second = {.status = 0};
    open_all(&fixture, scripts);
    start_get(&fixture, &first);
    run_until_done(&fixture, &first);
    start_get(&fixture, &second);
    assert_int_equal(idle_count(&fixture), 0);
    scripted_server_release(&fixture.server, 0);
    run_until_done(&fixture, &second);
    assert_answered(&second, 200, "ok");
    assert_int_equal(fixture.server.connection_count, 2);
    close_all(&fixture);
}

// ---- a host that vanishes ----

static void test_what_rests_at_a_host_that_vanished_costs_one_request_its_time(void **state) {
    if (!scripted_server_can_vanish())
        skip();
    (void)state;
    static const struct script_step vanishes[] = {AWAIT_HEAD, HOLD, SEND(OK_2), VANISH, END};
    static const struct script_step good[] = {AWAIT_HEAD, SEND(OK_2), END};
    const struct script_step *const scripts[] = {vanishes, vanishes, vanishes, good, NULL};
    struct fixture fixture;
    struct caller callers[4] = {{.status = 0}};
    open_all(&fixture, scripts);
    fixture.kinds[GW_DEADLINE_UPSTREAM_CONNECT].duration_ms = SHORT_MS;
    for (int i = 0; i < 3; i++)
        start_get(&fixture, &callers[i]);
    for (int i = 0; i < 3; i++)
        run_until_received(&fixture, &fixture.server, i, "\r\n\r\n");
    for (int i = 0; i < 3; i++)
        scripted_server_release(&fixture.server, i);
    run_until_idle_is(&fixture, 3);
    start_get(&fixture, &callers[3]);
    run_until_done(&fixture, &callers[3]);
    assert_answered(&callers[3], 200, "ok");
    assert_int_equal(fixture.server.connection_count, 4);
    assert_int_equal(idle_count(&fixture), 1);
    close_all(&fixture);
}

// It took the request, so only being asked shows that it has gone.
static void test_a_host_that_vanished_after_it_took_a_request_is_noticed(void **state) {
    if (!scripted_server_can_vanish())
        skip();
    (void)state;
    static const struct script_step vanishes[] = {AWAIT_HEAD, VANISH, END};
    static const struct script_step good[] = {AWAIT_HEAD, SEND(OK_2), END};
    const struct script_step *const scripts[] = {vanishes, good, NULL};
    struct fixture fixture;
    struct caller caller = {.status = 0};
    open_all(&fixture, scripts);
    fixture.kinds[GW_DEADLINE_UPSTREAM_CONNECT].duration_ms = SHORT_MS;
    start_get(&fixture, &caller);
    run_until_done(&fixture, &caller);
    assert_answered(&caller, 200, "ok");
    assert_int_equal(fixture.server.connection_count, 2);
    close_all(&fixture);
}

static void test_a_request_with_a_body_ends_with_the_host_that_vanished(void **state) {
    if (!scripted_server_can_vanish())
        skip();
    (void)state;
    static const struct script_step vanishes[] = {AWAIT("123456"), VANISH, END};
    const struct script_step *const scripts[] = {vanishes, NULL};
    struct fixture fixture;
    struct caller caller = {.status = 0};
    open_all(&fixture, scripts);
    fixture.kinds[GW_DEADLINE_UPSTREAM_CONNECT].duration_ms = SHORT_MS;
    start_post(&fixture, &caller, GW_UPSTREAM_BODY_SIZED);
    send_body(&caller, "123456");
    end_body(&caller);
    run_until_done(&fixture, &caller);
    assert_failed(&caller, GW_TIMED_OUT);
    assert_int_equal(fixture.server.connection_count, 1);
    close_all(&fixture);
}

static int unacknowledged_limit(const struct caller *caller) {
    int limit_ms = -1;
    socklen_t length = sizeof(limit_ms);
    assert_int_equal(getsockopt(socket_of(&caller->call.conn->transport.tcp), IPPROTO_TCP,
                                TCP_USER_TIMEOUT, &limit_ms, &length),
                     0);
    return limit_ms;
}

// Linux would take a registry that has no room for a host that vanished.
static void test_a_body_may_wait_for_room_at_the_registry(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD,      SEND(OK_2), AWAIT_HEAD, HOLD,
                                                AWAIT("123456"), SEND(OK_2), END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    struct caller first = {.status = 0}, second = {.status = 0};
    open_all(&fixture, scripts);
    start_get(&fixture, &first);
    run_until_received(&fixture, &fixture.server, 0, "\r\n\r\n");
    assert_int_equal(unacknowledged_limit(&first), 2 * WATCHDOG_MS);
    run_until_done(&fixture, &first);
    start_post(&fixture, &second, GW_UPSTREAM_BODY_SIZED);
    assert_int_equal(unacknowledged_limit(&second), 0);
    close_all(&fixture);
}

// ---- request bodies ----

static void test_a_sized_body_follows_its_head(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT("\r\n\r\n123456"), SEND(OK_2), END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    struct caller caller = {.status = 0};
    open_all(&fixture, scripts);
    start_post(&fixture, &caller, GW_UPSTREAM_BODY_SIZED);
    assert_false(gw_upstream_call_is_writable(&caller.call));
    while (caller.writable_count == 0)
        turn(&fixture);
    send_body(&caller, "123");
    turn(&fixture);
    send_body(&caller, "456");
    end_body(&caller);
    run_until_done(&fixture, &caller);
    assert_answered(&caller, 200, "ok");
    assert_int_equal(idle_count(&fixture), 1);
    close_all(&fixture);
}

static void test_a_chunked_body_is_sent_chunked(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT("\r\n\r\n3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"), SEND(OK_2), END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    struct caller caller = {.status = 0};
    open_all(&fixture, scripts);
    start_post(&fixture, &caller, GW_UPSTREAM_BODY_CHUNKED);
    send_body(&caller, "abc"); // before there is a connection
    while (caller.writable_count == 0)
        turn(&fixture);
    send_body(&caller, ""); // must not end the body
    send_body(&caller, "0123456789abcdef");
    end_body(&caller);
    run_until_done(&fixture, &caller);
    assert_answered(&caller, 200, "ok");
    close_all(&fixture);
}

static void test_body_bytes_before_the_connection_are_bounded(void **state) {
    (void)state;
    static const struct script_step script[] = {END};
    const struct script_step *const scripts[] = {script, NULL};
    static char piece[GW_CONN_READ_BYTES];
    struct fixture fixture;
    struct caller caller = {.status = 0};
    open_all(&fixture, scripts);
    start_post(&fixture, &caller, GW_UPSTREAM_BODY_CHUNKED);
    enum gw_status status = GW_OK;
    size_t taken = 0;
    while (status == GW_OK && taken < MANY_BYTES) {
        status = gw_upstream_call_send_body(&caller.call, gw_str(piece, sizeof(piece)));
        taken += status == GW_OK ? sizeof(piece) : 0;
    }
    assert_int_equal(status, GW_TOO_BIG);
    assert_true(taken >= GW_CONN_WRITE_HIGH_WATER_BYTES);
    assert_true(taken <= 2 * GW_CONN_WRITE_HIGH_WATER_BYTES);
    gw_upstream_call_abort(&caller.call);
    close_all(&fixture);
}

static void
test_a_response_before_the_whole_request_ends_the_call_and_the_connection(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_HEAD, SEND("HTTP/1.1 413 Content Too Large\r\nContent-Length: 1\r\n\r\nn"), END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    struct caller caller = {.status = 0};
    open_all(&fixture, scripts);
    start_post(&fixture, &caller, GW_UPSTREAM_BODY_SIZED);
    send_body(&caller, "12");
    run_until_done(&fixture, &caller);
    assert_answered(&caller, 413, "n");
    assert_int_equal(idle_count(&fixture), 0);
    send_body(&caller, "3456"); // harmless
    end_body(&caller);
    close_all(&fixture);
}

static void test_a_slow_registry_bounds_what_waits_for_it(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD, HOLD, END};
    const struct script_step *const scripts[] = {script, NULL};
    static char piece[GW_CONN_READ_BYTES];
    struct fixture fixture;
    struct caller caller = {.status = 0};
    open_all(&fixture, scripts);
    start_post(&fixture, &caller, GW_UPSTREAM_BODY_CHUNKED);
    run_until_received(&fixture, &fixture.server, 0, "\r\n\r\n");
    fixture.server.discards = true;
    size_t sent = 0;
    bool was_stopped = false;
    while (sent < MANY_BYTES) {
        if (gw_upstream_call_is_writable(&caller.call)) {
            assert_int_equal(gw_upstream_call_send_body(&caller.call, gw_str(piece, sizeof(piece))),
                             GW_OK);
            sent += sizeof(piece);
            continue;
        }
        if (!was_stopped) {
            // What the kernel took is not ours to bound; what waits here is.
            was_stopped = true;
            assert_true(sent < MANY_BYTES / 2);
            scripted_server_release(&fixture.server, 0);
        }
        int writable_count = caller.writable_count;
        while (caller.writable_count == writable_count)
            turn(&fixture);
    }
    end_body(&caller);
    while (fixture.server.connections[0].received_bytes < MANY_BYTES)
        turn(&fixture);
    assert_true(was_stopped);
    gw_upstream_call_abort(&caller.call);
    close_all(&fixture);
}

// ---- response back-pressure and abort ----

static void test_a_paused_response_stops_the_registry(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_HEAD, SEND("HTTP/1.1 200 OK\r\nContent-Length: 33554432\r\n\r\n"),
        SEND_MANY(MANY_BYTES), END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    struct caller caller = {.pause_above = 1};
    open_all(&fixture, scripts);
    start_get(&fixture, &caller);
    while (caller.body_bytes <= caller.pause_above)
        turn(&fixture);
    const struct scripted_connection *connection = &fixture.server.connections[0];
    size_t sent = 0;
    do { // until the kernel takes no more
        sent = connection->sent_bytes;
        uv_run(&fixture.loop, UV_RUN_NOWAIT);
        uv_run(&fixture.loop, UV_RUN_NOWAIT);
    } while (connection->sent_bytes != sent);
    assert_true(sent < MANY_BYTES);
    assert_true(caller.body_bytes <= GW_CONN_READ_BYTES);
    caller.pause_above = 0;
    gw_upstream_call_resume(&caller.call);
    run_until_done(&fixture, &caller);
    assert_int_equal(caller.end_count, 1);
    assert_int_equal(caller.body_bytes, MANY_BYTES);
    assert_int_equal(idle_count(&fixture), 1);
    close_all(&fixture);
}

static void test_a_call_paused_at_its_end_leaves_a_connection_that_reads(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD, SEND(OK_2), AWAIT_HEAD, SEND(OK_2),
                                                END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    struct caller first = {.pause_above = 1}, second = {.status = 0};
    open_all(&fixture, scripts);
    start_get(&fixture, &first);
    run_until_done(&fixture, &first);
    assert_true(first.body_bytes > first.pause_above);
    start_get(&fixture, &second);
    run_until_done(&fixture, &second);
    assert_answered(&second, 200, "ok");
    assert_int_equal(fixture.server.connection_count, 1);
    close_all(&fixture);
}

static void test_an_aborted_call_closes_its_connection(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD, END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    struct caller caller = {.status = 0};
    open_all(&fixture, scripts);
    start_get(&fixture, &caller);
    run_until_received(&fixture, &fixture.server, 0, "\r\n\r\n");
    gw_upstream_call_abort(&caller.call);
    gw_upstream_call_abort(&caller.call);
    assert_true(gw_upstream_call_is_over(&caller.call));
    while (!fixture.server.connections[0].saw_end)
        turn(&fixture);
    assert_false(is_done(&caller));
    close_all(&fixture);
}

static void test_a_call_may_be_aborted_inside_its_body(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_HEAD,
        SEND("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n"),
        END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    struct caller caller = {.aborts_in_body = true};
    open_all(&fixture, scripts);
    start_get(&fixture, &caller);
    while (fixture.server.connection_count == 0 || !fixture.server.connections[0].saw_end)
        turn(&fixture);
    assert_int_equal(caller.body_bytes, 1);
    assert_false(is_done(&caller));
    close_all(&fixture);
}

static void test_a_call_may_be_aborted_before_it_is_connected(void **state) {
    (void)state;
    static const struct script_step script[] = {END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    struct caller caller = {.status = 0};
    open_all(&fixture, scripts);
    start_get(&fixture, &caller);
    gw_upstream_call_abort(&caller.call);
    close_all(&fixture);
    assert_false(is_done(&caller));
}

static void test_closing_the_upstream_ends_its_calls(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD, END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    struct caller caller = {.status = 0};
    open_all(&fixture, scripts);
    start_get(&fixture, &caller);
    run_until_received(&fixture, &fixture.server, 0, "\r\n\r\n");
    close_all(&fixture);
    assert_failed(&caller, GW_CLOSED);
}

// ---- deadlines and connecting ----

static void time_out(const struct script_step *script, struct caller *caller) {
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    open_all(&fixture, scripts);
    fixture.kinds[GW_DEADLINE_UPSTREAM_RESPONSE].duration_ms = SHORT_MS;
    *caller = (struct caller){.status = 0};
    start_get(&fixture, caller);
    run_until_done(&fixture, caller);
    close_all(&fixture);
}

static void test_a_registry_that_does_not_answer_times_out(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD, END};
    struct caller caller;
    time_out(script, &caller);
    assert_failed(&caller, GW_TIMED_OUT);
    assert_int_equal(caller.head_count, 0);
}

static void test_a_registry_that_stops_in_its_response_times_out(void **state) {
    (void)state;
    static const struct script_step script[] = {
        AWAIT_HEAD, SEND("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), END};
    struct caller caller;
    time_out(script, &caller);
    assert_failed(&caller, GW_TIMED_OUT);
    assert_int_equal(caller.body_bytes, 3);
}

static void test_a_slow_client_does_not_run_down_the_clock_of_the_registry(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT("123456"), SEND(OK_2), END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    struct caller caller = {.status = 0};
    open_all(&fixture, scripts);
    fixture.kinds[GW_DEADLINE_UPSTREAM_RESPONSE].duration_ms = SHORT_MS;
    start_post(&fixture, &caller, GW_UPSTREAM_BODY_SIZED);
    send_body(&caller, "123");
    uv_update_time(&fixture.loop);
    uint64_t start_ms = uv_now(&fixture.loop);
    while (uv_now(&fixture.loop) < start_ms + 4 * SHORT_MS) // ticks of the deadline timer
        turn(&fixture);
    assert_false(is_done(&caller));
    send_body(&caller, "456");
    end_body(&caller);
    run_until_done(&fixture, &caller);
    assert_answered(&caller, 200, "ok");
    close_all(&fixture);
}

static void test_a_registry_that_stops_taking_the_request_times_out(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD, HOLD, END};
    const struct script_step *const scripts[] = {script, NULL};
    static char piece[GW_CONN_READ_BYTES];
    struct fixture fixture;
    struct caller caller = {.status = 0};
    open_all(&fixture, scripts);
    fixture.kinds[GW_DEADLINE_UPSTREAM_RESPONSE].duration_ms = SHORT_MS;
    start_post(&fixture, &caller, GW_UPSTREAM_BODY_CHUNKED);
    run_until_received(&fixture, &fixture.server, 0, "\r\n\r\n");
    while (!is_done(&caller)) {
        if (gw_upstream_call_is_writable(&caller.call))
            assert_int_equal(gw_upstream_call_send_body(&caller.call, gw_str(piece, sizeof(piece))),
                             GW_OK);
        else
            turn(&fixture);
    }
    assert_failed(&caller, GW_TIMED_OUT);
    close_all(&fixture);
}

// Reads from a connection that holds, and answers on it once `left` bytes have come.
struct slow_reader {
    uv_timer_t timer;
    uv_os_fd_t fd;
    size_t left;
};

static void on_slow_turn(uv_timer_t *timer) {
    static char bytes[GW_UPSTREAM_PROGRESS_BYTES_MIN];
    struct slow_reader *reader = gw_container_of(timer, struct slow_reader, timer);
    ssize_t length = recv(reader->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (length > 0)
        reader->left -= (size_t)length;
    if (reader->left == 0 && uv_is_active((uv_handle_t *)timer)) {
        uv_timer_stop(timer);
        speak(reader->fd);
    }
}

// The kernel has megabytes of the request at once, and the registry needs several times its time
// for an answer to read them.
static void test_a_registry_that_takes_the_request_slowly_is_alive(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD, HOLD, END};
    const struct script_step *const scripts[] = {script, NULL};
    static char piece[GW_CONN_READ_BYTES];
    const size_t body_bytes = (size_t)64 * sizeof(piece);
    struct fixture fixture;
    struct caller caller = {.status = 0};
    open_all(&fixture, scripts);
    fixture.kinds[GW_DEADLINE_UPSTREAM_RESPONSE].duration_ms = SHORT_MS;
    const struct gw_upstream_request request = {.line = GW_STR("POST /a HTTP/1.1\r\n"),
                                                .fields = GW_STR("Content-Length: 4194304\r\n\r\n"),
                                                .body = GW_UPSTREAM_BODY_SIZED};
    start(&fixture, &caller, &request);
    run_until_received(&fixture, &fixture.server, 0, "\r\n\r\n");
    struct slow_reader reader = {.fd = socket_of(&fixture.server.connections[0].tcp),
                                 .left = body_bytes};
    assert_int_equal(uv_timer_init(&fixture.loop, &reader.timer), 0);
    assert_int_equal(uv_timer_start(&reader.timer, on_slow_turn, 10, 10), 0);
    for (size_t sent = 0; sent < body_bytes && !is_done(&caller);) {
        if (gw_upstream_call_is_writable(&caller.call)) {
            assert_int_equal(gw_upstream_call_send_body(&caller.call, gw_str(piece, sizeof(piece))),
                             GW_OK);
            sent += sizeof(piece);
        } else {
            turn(&fixture);
        }
    }
    end_body(&caller);
    run_until_done(&fixture, &caller);
    assert_answered(&caller, 200, "ok");
    uv_close((uv_handle_t *)&reader.timer, NULL);
    close_all(&fixture);
}

static void on_byte(uv_timer_t *timer) {
    struct caller *caller = timer->data;
    if (!is_done(caller) && gw_upstream_call_is_writable(&caller->call))
        send_body(caller, "x");
}

// The client goes on sending, byte by byte, while the registry takes nothing.
static void test_more_of_a_request_gives_the_registry_no_more_time(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD, HOLD, END};
    const struct script_step *const scripts[] = {script, NULL};
    static char piece[GW_CONN_READ_BYTES];
    struct fixture fixture;
    struct caller caller = {.status = 0};
    open_all(&fixture, scripts);
    fixture.kinds[GW_DEADLINE_UPSTREAM_RESPONSE].duration_ms = SHORT_MS;
    start_post(&fixture, &caller, GW_UPSTREAM_BODY_CHUNKED);
    run_until_received(&fixture, &fixture.server, 0, "\r\n\r\n");
    uv_timer_t bytes = {.data = &caller};
    assert_int_equal(uv_timer_init(&fixture.loop, &bytes), 0);
    assert_int_equal(uv_timer_start(&bytes, on_byte, 10, 10), 0);
    while (!is_done(&caller)) {
        if (gw_upstream_conn_unsent_bytes(caller.call.conn) < sizeof(piece))
            assert_int_equal(gw_upstream_call_send_body(&caller.call, gw_str(piece, sizeof(piece))),
                             GW_OK);
        turn(&fixture);
    }
    assert_failed(&caller, GW_TIMED_OUT);
    uv_close((uv_handle_t *)&bytes, NULL);
    close_all(&fixture);
}

static void on_drip(uv_timer_t *timer) {
    (void)send(socket_of(timer->data), "x", 1, MSG_NOSIGNAL);
}

static void test_a_head_has_one_deadline_however_it_drips(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD, SEND("HTTP/1.1 200 OK\r\nX: "), END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    struct caller caller = {.status = 0};
    open_all(&fixture, scripts);
    fixture.kinds[GW_DEADLINE_UPSTREAM_RESPONSE].duration_ms = SHORT_MS;
    start_get(&fixture, &caller);
    run_until_received(&fixture, &fixture.server, 0, "\r\n\r\n");
    uv_timer_t drip = {.data = &fixture.server.connections[0].tcp};
    assert_int_equal(uv_timer_init(&fixture.loop, &drip), 0);
    assert_int_equal(uv_timer_start(&drip, on_drip, 10, 10), 0);
    run_until_done(&fixture, &caller);
    uv_close((uv_handle_t *)&drip, NULL);
    assert_failed(&caller, GW_TIMED_OUT);
    assert_string_equal(gw_upstream_call_reason(&caller.call),
                        "the head of its response did not end in time");
    close_all(&fixture);
}

static void test_a_registry_that_is_not_there_is_unavailable(void **state) {
    (void)state;
    static const struct script_step *const scripts[] = {NULL};
    struct fixture fixture;
    struct caller caller = {.status = 0};
    open_all(&fixture, scripts);
    uv_close((uv_handle_t *)&fixture.server.listener, NULL);
    turn(&fixture);
    start_get(&fixture, &caller);
    run_until_done(&fixture, &caller);
    assert_failed(&caller, GW_UNAVAILABLE);
    assert_int_equal(fixture.metrics.upstream_failures_total, 1);
    close_all(&fixture);
}

static void test_a_name_is_resolved_and_its_addresses_tried_in_turn(void **state) {
    (void)state;
    // localhost is ::1 and 127.0.0.1 on many machines, and the server listens on the second only.
    static const struct script_step script[] = {AWAIT_HEAD, SEND(OK_2), END};
    const struct script_step *const scripts[] = {script, NULL};
    struct fixture fixture;
    struct caller caller = {.status = 0};
    open_fixture(&fixture, scripts);
    open_upstream_at(&fixture, "localhost");
    start_get(&fixture, &caller); // before the name is known
    run_until_done(&fixture, &caller);
    assert_answered(&caller, 200, "ok");
    close_all(&fixture);
}

static void test_a_name_that_does_not_resolve_is_unavailable(void **state) {
    (void)state;
    static const struct script_step *const scripts[] = {NULL};
    struct fixture fixture;
    struct caller caller = {.status = 0};
    open_fixture(&fixture, scripts);
    open_upstream_at(&fixture, "no_such_host.invalid");
    start_get(&fixture, &caller);
    run_until_done(&fixture, &caller);
    assert_failed(&caller, GW_UNAVAILABLE);
    close_all(&fixture);
}

// The tick is played here, so that it is sure to come before anything else.
static void expire(struct fixture *fixture, enum gw_deadline_id id) {
    struct gw_list *waiting = &fixture->kinds[id].waiting;
    assert_false(gw_list_is_empty(waiting));
    struct gw_deadline *deadline = gw_container_of(waiting->next, struct gw_deadline, link);
    gw_deadline_clear(deadline);
    deadline->on_expired(deadline);
}

static void test_a_name_that_resolves_too_slowly_times_out(void **state) {
    (void)state;
    static const struct script_step *const scripts[] = {NULL};
    struct fixture fixture;
    struct caller caller = {.status = 0};
    open_fixture(&fixture, scripts);
    open_upstream_at(&fixture, "localhost");
    fixture.kinds[GW_DEADLINE_UPSTREAM_CONNECT].duration_ms = 0;
    start_get(&fixture, &caller);
    expire(&fixture, GW_DEADLINE_UPSTREAM_CONNECT);
    assert_failed(&caller, GW_TIMED_OUT);
    close_all(&fixture);
}

static void test_all_attempts_of_a_request_have_one_deadline(void **state) {
    (void)state;
    static const struct script_step script[] = {AWAIT_HEAD, SEND(OK_2), END};
    const struct script_step *const scripts[] = {script, NULL};
    static const char *const hosts[] = {"127.0.0.1", "localhost"}; // connecting, and looking up
    for (int i = 0; i < 2; i++) {
        struct fixture fixture;
        struct caller caller = {.status = 0};
        open_fixture(&fixture, scripts);
        open_upstream_at(&fixture, hosts[i]);
        start_get(&fixture, &caller);
        expire(&fixture, GW_DEADLINE_UPSTREAM_CONNECT_ALL);
        assert_failed(&caller, GW_TIMED_OUT);
        assert_int_equal(fixture.metrics.upstream_failures_total, 1);
        close_all(&fixture);
    }
}

static void test_a_request_that_is_connected_or_over_has_no_deadline_for_it(void **state) {
    (void)state;
    const struct script_step *const scripts[] = {held, NULL};
    struct fixture fixture;
    struct caller connected = {.status = 0}, aborted = {.status = 0};
    open_all(&fixture, scripts);
    const struct gw_list *waiting = &fixture.kinds[GW_DEADLINE_UPSTREAM_CONNECT_ALL].waiting;
    start_get(&fixture, &connected);
    run_until_received(&fixture, &fixture.server, 0, "\r\n\r\n");
    assert_true(gw_list_is_empty(waiting));
    start_get(&fixture, &aborted);
    assert_false(gw_list_is_empty(waiting));
    gw_upstream_call_abort(&aborted.call);
    assert_true(gw_list_is_empty(waiting));
    close_all(&fixture);
}

// ---- several addresses ----

static const struct script_step answers_twice[] = {AWAIT_HEAD, SEND(OK_2), AWAIT_HEAD, SEND(OK_2),
                                                   END};

static void test_requests_in_flight_are_spread_evenly(void **state) {
    (void)state;
    const struct script_step *const scripts[] = {held, held, NULL};
    struct fixture fixture;
    struct caller callers[4] = {{.status = 0}};
    open_two(&fixture, scripts, scripts);
    for (int i = 0; i < 4; i++)
        start_get(&fixture, &callers[i]);
    run_until_received(&fixture, &fixture.server, 1, "\r\n\r\n");
    run_until_received(&fixture, &fixture.second, 1, "\r\n\r\n");
    assert_int_equal(fixture.server.connection_count, 2);
    assert_int_equal(fixture.second.connection_count, 2);
    close_all(&fixture);
}

static void test_a_busy_address_is_spared(void **state) {
    (void)state;
    const struct script_step *const busy[] = {held, NULL};
    const struct script_step *const free_one[] = {answers_twice, NULL};
    struct fixture fixture;
    struct caller slow = {.status = 0}, first = {.status = 0}, second = {.status = 0};
    open_two(&fixture, busy, free_one);
    start_get(&fixture, &slow);
    run_until_received(&fixture, &fixture.server, 0, "\r\n\r\n");
    start_get(&fixture, &first);
    run_until_done(&fixture, &first);
    start_get(&fixture, &second);
    run_until_done(&fixture, &second);
    assert_answered(&second, 200, "ok");
    assert_int_equal(fixture.second.connection_count, 1);
    close_all(&fixture);
}

static void test_host_names_the_address_that_is_asked(void **state) {
    (void)state;
    const struct script_step *const scripts[] = {answers_twice, NULL};
    struct fixture fixture;
    struct caller callers[2] = {{.status = 0}};
    char host[64];
    open_two(&fixture, scripts, scripts);
    for (int i = 0; i < 2; i++) {
        start_get(&fixture, &callers[i]);
        run_until_done(&fixture, &callers[i]);
    }
    (void)snprintf(host, sizeof(host), GET_LINE "Host: 127.0.0.1:%d\r\n\r\n", fixture.server.port);
    run_until_received(&fixture, &fixture.server, 0, host);
    (void)snprintf(host, sizeof(host), GET_LINE "Host: 127.0.0.1:%d\r\n\r\n", fixture.second.port);
    run_until_received(&fixture, &fixture.second, 0, host);
    close_all(&fixture);
}

static void test_a_dead_address_costs_nobody_a_request_and_is_left_out(void **state) {
    (void)state;
#define TWICE AWAIT("0\r\n\r\n"), SEND(OK_2), AWAIT("0\r\n\r\n"), SEND(OK_2)
    static const struct script_step many[] = {TWICE, TWICE, TWICE, TWICE, END};
#undef TWICE
    const struct script_step *const scripts[] = {many, NULL};
    struct fixture fixture;
    open_two(&fixture, scripts, scripts);
    uv_close((uv_handle_t *)&fixture.second.listener, NULL);
    turn(&fixture);
    for (int i = 0; i < 8; i++) {
        struct caller caller = {.status = 0};
        start_post(&fixture, &caller, GW_UPSTREAM_BODY_CHUNKED); // not idempotent: nothing was sent
        end_body(&caller);
        run_until_done(&fixture, &caller);
        assert_answered(&caller, 200, "ok");
    }
    assert_int_equal(fixture.metrics.upstreams_ejected, 1);
    assert_int_equal(fixture.metrics.upstream_failures_total, 0);
    assert_int_equal(fixture.metrics.upstream_connects_total, 1 + GW_UPSTREAM_FAILURES_MAX);
    close_all(&fixture);
}

static void test_a_request_that_is_sent_once_more_goes_elsewhere(void **state) {
    (void)state;
    static const struct script_step dies[] = {AWAIT_HEAD, SEND(OK_2), AWAIT_HEAD, RESET, END};
    static const struct script_step answers[] = {AWAIT_HEAD, SEND(OK_2), END};
    const struct script_step *const first_scripts[] = {dies, answers, NULL};
    const struct script_step *const second_scripts[] = {held, answers, NULL};
    struct fixture fixture;
    struct caller first = {.status = 0}, busy = {.status = 0}, again = {.status = 0};
    open_two(&fixture, first_scripts, second_scripts);
    start_get(&fixture, &first);
    run_until_done(&fixture, &first);
    start_get(&fixture, &busy);
    run_until_received(&fixture, &fixture.second, 0, "\r\n\r\n");
    start_get(&fixture, &again); // to the first, which has nothing to do
    run_until_done(&fixture, &again);
    assert_answered(&again, 200, "ok");
    assert_int_equal(fixture.server.connection_count, 1);
    assert_int_equal(fixture.second.connection_count, 2);
    close_all(&fixture);
}

static void test_an_address_that_does_not_answer_is_left_out(void **state) {
    (void)state;
    static const struct script_step silent[] = {AWAIT_HEAD, END};
    static const struct script_step closes[] = {AWAIT_HEAD, CLOSE, END};
    static const struct script_step *const variants[] = {silent, closes};
    for (int i = 0; i < 2; i++) {
        const struct script_step *const good[] = {held, held, held, held, NULL};
        const struct script_step *const bad[] = {variants[i], variants[i], variants[i], NULL};
        struct fixture fixture;
        struct caller callers[6] = {{.status = 0}};
        open_two(&fixture, good, bad);
        fixture.kinds[GW_DEADLINE_UPSTREAM_RESPONSE].duration_ms = SHORT_MS;
        for (int j = 0; j < 6; j++)
            start_get(&fixture, &callers[j]);
        for (int j = 0; j < 6; j++)
            run_until_done(&fixture, &callers[j]);
        // Both failed three times; the second to do so is the last and stays.
        assert_int_equal(fixture.metrics.upstreams_ejected, 1);
        close_all(&fixture);
    }
}

// The first address is left out, with a pooled connection that plays `script` from its second
// request on.
static void open_with_one_left_out(struct fixture *fixture, struct caller callers[8],
                                   const struct script_step *script) {
    static const struct script_step closes[] = {AWAIT_HEAD, HOLD, CLOSE, END};
    static const struct script_step answers[] = {AWAIT_HEAD, SEND(OK_2), END};
    static const struct script_step *second[] = {held, held, held, held, NULL};
    static const struct script_step *first[] = {NULL, closes, closes, closes, answers, NULL};
    first[0] = script;
    open_two(fixture, first, second);
    for (int i = 0; i < 8; i++)
        start_get(fixture, &callers[i]);
    run_until_done(fixture, &callers[0]);
    for (int i = 1; i <= GW_UPSTREAM_FAILURES_MAX; i++) {
        run_until_received(fixture, &fixture->server, i, "\r\n\r\n");
        scripted_server_release(&fixture->server, i);
    }
    for (int i = 1; i <= GW_UPSTREAM_FAILURES_MAX; i++)
        run_until_done(fixture, &callers[2 * i]);
    assert_int_equal(fixture->metrics.upstreams_ejected, 1);
    assert_int_equal(idle_count(fixture), 1);
}

static void test_an_address_is_asked_again_after_a_request_that_could_not_tell(void **state) {
    (void)state;
    static const struct script_step resets[] = {AWAIT_HEAD, SEND(OK_2), AWAIT_HEAD, RESET, END};
    static const struct script_step stammers[] = {AWAIT_HEAD,         SEND(OK_2), AWAIT_HEAD,
                                                  SEND("HTTP/1.1 2"), CLOSE,      END};
    static const struct script_step babbles[] = {AWAIT_HEAD, SEND(OK_2), AWAIT_HEAD,
                                                 SEND("nonsense\r\n\r\n"), END};
    static const struct script_step *const variants[] = {resets, stammers, babbles};
    const struct gw_upstream_request once = {.line = GW_STR("POST /a HTTP/1.1\r\n"),
                                             .fields = GW_STR("\r\n")};
    for (int i = 0; i < 3; i++) {
        struct fixture fixture;
        struct caller callers[8] = {{.status = 0}}, lost = {.status = 0}, next = {.status = 0};
        open_with_one_left_out(&fixture, callers, variants[i]);
        uv_close((uv_handle_t *)&fixture.second.listener, NULL);
        turn(&fixture);
        start(&fixture, &lost, &once); // the second refuses, so the first gets it after all
        run_until_done(&fixture, &lost);
        assert_int_equal(lost.error_count, 1);
        uint64_t connects = fixture.metrics.upstream_connects_total;
        start_get(&fixture, &next);
        run_until_done(&fixture, &next);
        assert_answered(&next, 200, "ok");
        assert_int_equal(fixture.metrics.upstream_connects_total, connects + 1);
        assert_int_equal(fixture.metrics.upstreams_ejected, 0);
        close_all(&fixture);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_response_comes_back_and_the_connection_is_kept),
        cmocka_unit_test(test_a_response_may_come_in_single_bytes),
        cmocka_unit_test(test_a_response_without_body_is_complete_with_its_head),
        cmocka_unit_test(test_a_response_to_head_has_a_length_and_no_body),
        cmocka_unit_test(test_a_response_framed_by_close_ends_with_it_and_is_not_kept),
        cmocka_unit_test(test_a_connection_is_not_kept_when_the_response_says_close),
        cmocka_unit_test(test_bytes_behind_a_response_are_dropped_with_the_connection),
        cmocka_unit_test(test_a_body_behind_a_head_that_allows_none_is_dropped_with_the_connection),
        cmocka_unit_test(test_a_connection_is_not_kept_when_a_body_is_framed_that_may_not_be),
        cmocka_unit_test(test_interim_responses_are_skipped),
        cmocka_unit_test(test_a_flood_of_interim_responses_is_refused),
        cmocka_unit_test(test_what_is_no_valid_response_is_refused),
        cmocka_unit_test(test_a_head_without_end_is_refused),
        cmocka_unit_test(test_a_broken_chunk_fails_a_response_that_has_begun),
        cmocka_unit_test(test_an_early_close_is_told_from_a_whole_response),
        cmocka_unit_test(test_a_reset_within_a_response_framed_by_close_is_no_end),
        cmocka_unit_test(test_a_pooled_connection_carries_the_next_request),
        cmocka_unit_test(test_concurrent_requests_have_a_connection_each),
        cmocka_unit_test(test_a_pooled_connection_that_closes_or_speaks_is_dropped),
        cmocka_unit_test(test_an_idle_connection_has_a_deadline),
        cmocka_unit_test(test_a_request_that_met_a_dead_pooled_connection_is_sent_once_more),
        cmocka_unit_test(test_a_request_with_a_body_is_not_sent_again),
        cmocka_unit_test(test_a_request_whose_answer_has_begun_is_not_sent_again),
        cmocka_unit_test(test_a_request_that_met_a_farewell_is_sent_once_more),
        cmocka_unit_test(test_a_farewell_of_a_fresh_connection_is_an_answer),
        cmocka_unit_test(test_a_fresh_connection_that_dies_is_no_reason_to_send_again),
        cmocka_unit_test(test_a_resting_connection_is_looked_at_before_it_is_used),
        cmocka_unit_test(test_bytes_from_before_a_request_are_no_answer_to_it),
        cmocka_unit_test(test_what_rests_at_a_host_that_vanished_costs_one_request_its_time),
        cmocka_unit_test(test_a_host_that_vanished_after_it_took_a_request_is_noticed),
        cmocka_unit_test(test_a_request_with_a_body_ends_with_the_host_that_vanished),
        cmocka_unit_test(test_a_body_may_wait_for_room_at_the_registry),
        cmocka_unit_test(test_a_sized_body_follows_its_head),
        cmocka_unit_test(test_a_chunked_body_is_sent_chunked),
        cmocka_unit_test(test_body_bytes_before_the_connection_are_bounded),
        cmocka_unit_test(test_a_response_before_the_whole_request_ends_the_call_and_the_connection),
        cmocka_unit_test(test_a_slow_registry_bounds_what_waits_for_it),
        cmocka_unit_test(test_a_paused_response_stops_the_registry),
        cmocka_unit_test(test_a_call_paused_at_its_end_leaves_a_connection_that_reads),
        cmocka_unit_test(test_an_aborted_call_closes_its_connection),
        cmocka_unit_test(test_a_call_may_be_aborted_inside_its_body),
        cmocka_unit_test(test_a_call_may_be_aborted_before_it_is_connected),
        cmocka_unit_test(test_closing_the_upstream_ends_its_calls),
        cmocka_unit_test(test_a_registry_that_does_not_answer_times_out),
        cmocka_unit_test(test_a_registry_that_stops_in_its_response_times_out),
        cmocka_unit_test(test_a_slow_client_does_not_run_down_the_clock_of_the_registry),
        cmocka_unit_test(test_a_registry_that_stops_taking_the_request_times_out),
        cmocka_unit_test(test_a_registry_that_takes_the_request_slowly_is_alive),
        cmocka_unit_test(test_more_of_a_request_gives_the_registry_no_more_time),
        cmocka_unit_test(test_a_head_has_one_deadline_however_it_drips),
        cmocka_unit_test(test_a_registry_that_is_not_there_is_unavailable),
        cmocka_unit_test(test_a_name_is_resolved_and_its_addresses_tried_in_turn),
        cmocka_unit_test(test_a_name_that_does_not_resolve_is_unavailable),
        cmocka_unit_test(test_a_name_that_resolves_too_slowly_times_out),
        cmocka_unit_test(test_all_attempts_of_a_request_have_one_deadline),
        cmocka_unit_test(test_a_request_that_is_connected_or_over_has_no_deadline_for_it),
        cmocka_unit_test(test_requests_in_flight_are_spread_evenly),
        cmocka_unit_test(test_a_busy_address_is_spared),
        cmocka_unit_test(test_host_names_the_address_that_is_asked),
        cmocka_unit_test(test_a_dead_address_costs_nobody_a_request_and_is_left_out),
        cmocka_unit_test(test_a_request_that_is_sent_once_more_goes_elsewhere),
        cmocka_unit_test(test_an_address_that_does_not_answer_is_left_out),
        cmocka_unit_test(test_an_address_is_asked_again_after_a_request_that_could_not_tell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
