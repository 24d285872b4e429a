// SPDX-License-Identifier: MIT
// Connections to a registry that speaks TLS. The registry is a transport on the same loop that
// answers each request at once.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/exchange/services.h"
#include "gateway/net/transport.h"
#include "gateway/upstream/pool.h"
#include "tests/support/certificate.h"

#define WATCHDOG_MS 60000

struct registry {
    uv_tcp_t listener;
    struct tls_context *tls;
    struct gw_transport_shared *shared;
    int port;
    int connection_count;
};

struct fixture {
    uv_loop_t loop;
    uv_timer_t watchdog;
    struct gw_services services;
    struct gw_metrics metrics;
    struct gw_deadline_kind kinds[GW_DEADLINE_COUNT];
    struct gw_deadlines deadlines;
    struct test_certificate certificate;
    struct registry registry;
    struct gw_upstream *upstream;
    char url[64];
};

// ---- the registry ----

static void on_registry_read(struct gw_transport *transport, struct gw_str bytes) {
    const struct gw_str answer = GW_STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    (void)bytes; // a request comes in one piece
    assert_int_equal(gw_buf_append_str(gw_transport_output(transport), answer), GW_OK);
    gw_transport_flush(transport);
}

static void on_registry_event(struct gw_transport *transport) {
    (void)transport;
}

static void on_registry_error(struct gw_transport *transport, enum gw_status status) {
    (void)status;
    gw_transport_close(transport);
}

static void free_transport(struct gw_transport *transport) {
    free(transport);
}

static const struct gw_transport_events registry_events = {.on_open = on_registry_event,
                                                           .on_read = on_registry_read,
                                                           .on_end = gw_transport_close,
                                                           .on_drain = on_registry_event,
                                                           .on_error = on_registry_error,
                                                           .on_closed = free_transport};

static void on_connection(uv_stream_t *listener, int failure) {
    struct registry *registry = listener->data;
    struct gw_transport *transport = malloc(sizeof(*transport));
    assert_int_equal(failure, 0);
    assert_non_null(transport);
    assert_int_equal(gw_transport_init(transport, listener->loop, registry->shared, registry->tls,
                                       &registry_events),
                     GW_OK);
    assert_int_equal(gw_transport_accept(transport, listener), GW_OK);
    registry->connection_count++;
}

static void open_registry(struct fixture *fixture) {
    struct registry *registry = &fixture->registry;
    const char *const names[] = {"127.0.0.1", NULL};
    const struct test_certificate_options own = {.names = names};
    struct sockaddr_in address;
    int length = sizeof(address);
    char error[TLS_ERROR_TEXT_BYTES];
    test_certificate_create_with(&fixture->certificate, TEST_KEY_EC, &own);
    const struct tls_context_options options = {.certificate_file =
                                                    fixture->certificate.certificate_file,
                                                .key_file = fixture->certificate.key_file};
    assert_int_equal(tls_context_create_server(&options, &registry->tls, error), GW_OK);
    registry->shared = fixture->services.transport_shared;
    assert_int_equal(uv_tcp_init(&fixture->loop, &registry->listener), 0);
    registry->listener.data = registry;
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &address), 0);
    assert_int_equal(uv_tcp_bind(&registry->listener, (const struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&registry->listener, 8, on_connection), 0);
    assert_int_equal(uv_tcp_getsockname(&registry->listener, (struct sockaddr *)&address, &length),
                     0);
    registry->port = ntohs(address.sin_port);
}

// ---- a request ----

struct caller {
    struct gw_upstream_call call;
    uint64_t records_before_worn; // of its connection, from the head on; 0: as they are
    int end_count;
};

static void on_head(struct gw_upstream_call *call, const struct gw_http_head *head) {
    const struct caller *caller = gw_container_of(call, struct caller, call);
    assert_int_equal(head->status, 200);
    if (caller->records_before_worn != 0)
        tls_session_set_records_before_worn(call->conn->transport.tls, caller->records_before_worn);
}

static void on_body(struct gw_upstream_call *call, struct gw_str bytes) {
    (void)call;
    assert_true(gw_str_equal(bytes, GW_STR("ok")));
}

static void on_end(struct gw_upstream_call *call) {
    struct caller *caller = gw_container_of(call, struct caller, call);
    caller->end_count++;
}

static void on_writable(struct gw_upstream_call *call) {
    (void)call;
}

static void on_error(struct gw_upstream_call *call, enum gw_status status) {
    fail_msg("%s: %s", gw_status_text(status), gw_upstream_call_reason(call));
}

static const struct gw_upstream_call_events call_events = {.on_head = on_head,
                                                           .on_body = on_body,
                                                           .on_end = on_end,
                                                           .on_writable = on_writable,
                                                           .on_error = on_error};

static void get(struct fixture *fixture, uint64_t records_before_worn) {
    struct caller caller = {.records_before_worn = records_before_worn};
    const struct gw_upstream_request request = {
        .line = GW_STR("GET /a HTTP/1.1\r\n"), .fields = GW_STR("\r\n"), .is_idempotent = true};
    assert_int_equal(
        gw_upstream_call_start(fixture->upstream, &caller.call, &call_events, &request), GW_OK);
    while (caller.end_count == 0)
        uv_run(&fixture->loop, UV_RUN_ONCE);
}

// ---- both ----

static void on_watchdog(uv_timer_t *timer) {
    (void)timer;
    fail_msg("nothing happened for too long");
}

static void open_all(struct fixture *fixture) {
    const char *const texts[] = {fixture->url};
    struct gw_upstream_problem problem;
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
    open_registry(fixture);
    (void)snprintf(fixture->url, sizeof(fixture->url), "https://127.0.0.1:%d",
                   fixture->registry.port);
    const struct gw_upstream_options options = {
        .texts = texts, .text_count = 1, .authorities_file = fixture->certificate.certificate_file};
    assert_int_equal(gw_upstream_create(&fixture->services, &options, &fixture->upstream, &problem),
                     GW_OK);
}

static void on_upstream_closed(struct gw_upstream *upstream) {
    (void)upstream;
}

static void close_all(struct fixture *fixture) {
    gw_upstream_close(fixture->upstream, on_upstream_closed);
    uv_close((uv_handle_t *)&fixture->registry.listener, NULL);
    gw_deadlines_close(&fixture->deadlines, NULL);
    uv_close((uv_handle_t *)&fixture->watchdog, NULL);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    gw_transport_shared_destroy(fixture->services.transport_shared);
    tls_context_release(fixture->registry.tls);
    test_certificate_destroy(&fixture->certificate);
}

static void test_a_connection_with_worn_keys_is_not_kept(void **state) {
    (void)state;
    struct fixture fixture;
    open_all(&fixture);
    get(&fixture, 0);
    get(&fixture, 0);
    assert_int_equal(fixture.registry.connection_count, 1);
    get(&fixture, 2); // two requests before it, at least as many records
    assert_int_equal(fixture.registry.connection_count, 1);
    get(&fixture, 0);
    assert_int_equal(fixture.registry.connection_count, 2);
    get(&fixture, 0);
    assert_int_equal(fixture.registry.connection_count, 2);
    close_all(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_connection_with_worn_keys_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
