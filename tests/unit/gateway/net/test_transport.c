// SPDX-License-Identifier: MIT
// Both ends of each connection are transports on one loop over 127.0.0.1: "server" was accepted,
// "client" connected. A TLS client is a plain transport with an Mbed TLS client in memory on top.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/net/handshake_queue.h"
#include "gateway/net/transport.h"
#include "gateway/net/transport_log.h"
#include "tests/support/certificate.h"
#include "tests/support/tls_client.h"
#include "tls/tickets.h"

#define GUARD_MS 60000
#define STREAM_BYTES ((size_t)12 * 1024 * 1024) // more than the kernel buffers of both ends take
#define PIECE_BYTES ((size_t)50000)

struct end;
typedef void (*end_hook)(struct end *end);

struct end {
    struct gw_transport transport;
    struct gw_buf received;
    bool drops_received; // counts only
    size_t received_bytes;
    int opens, reads, ends, drains, errors, closes;
    enum gw_status error;
    size_t written_bytes; // of a stream
    end_hook on_open_hook, on_read_hook, on_drain_hook, on_end_hook;
};

struct world {
    uv_loop_t loop;
    uv_timer_t guard;
    uv_tcp_t listener;
    struct sockaddr_in address;
    struct gw_transport_shared *shared;
    struct gw_metrics metrics;
    struct gw_handshake_queue queue;
    struct gw_handshake_turn other; // see withhold_turns
    enum gw_handshake_kind other_queue;
    struct tls_context *context; // of the server, NULL: plain
    struct end server;
    struct end client;
    uv_connect_t connect;
    bool is_accepted, is_out_of_time;
    struct test_tls_client tls; // on top of client
};

static struct end *end_of(struct gw_transport *transport) {
    return gw_container_of(transport, struct end, transport);
}

static void run_hook(end_hook hook, struct end *end) {
    if (hook != NULL)
        hook(end);
}

static void on_open(struct gw_transport *transport) {
    struct end *end = end_of(transport);
    assert_int_equal(end->closes + end->reads + end->ends, 0);
    end->opens++;
    run_hook(end->on_open_hook, end);
}

static void on_read(struct gw_transport *transport, struct gw_str bytes) {
    struct end *end = end_of(transport);
    assert_int_equal(end->opens, 1);
    assert_int_equal(end->ends + end->errors + end->closes, 0);
    assert_true(bytes.length > 0);
    assert_false(gw_transport_is_closing(transport));
    end->reads++;
    end->received_bytes += bytes.length;
    if (!end->drops_received)
        assert_int_equal(gw_buf_append_str(&end->received, bytes), GW_OK);
    run_hook(end->on_read_hook, end);
}

static void on_end(struct gw_transport *transport) {
    struct end *end = end_of(transport);
    assert_int_equal(end->ends + end->closes, 0);
    end->ends++;
    run_hook(end->on_end_hook, end);
}

static void on_drain(struct gw_transport *transport) {
    struct end *end = end_of(transport);
    assert_int_equal(end->errors + end->closes, 0);
    assert_true(gw_transport_pending_bytes(transport) <= GW_CONN_WRITE_LOW_WATER_BYTES);
    end->drains++;
    run_hook(end->on_drain_hook, end);
}

static void on_error(struct gw_transport *transport, enum gw_status status) {
    struct end *end = end_of(transport);
    assert_int_equal(end->errors + end->closes, 0);
    end->errors++;
    end->error = status;
}

static void on_closed(struct gw_transport *transport) {
    struct end *end = end_of(transport);
    assert_int_equal(end->closes, 0);
    end->closes++;
    gw_buf_deinit(&end->received);
}

static const struct gw_transport_events events = {.on_open = on_open,
                                                  .on_read = on_read,
                                                  .on_end = on_end,
                                                  .on_drain = on_drain,
                                                  .on_error = on_error,
                                                  .on_closed = on_closed};

// The world.

static void on_guard(uv_timer_t *timer) {
    struct world *world = timer->data;
    world->is_out_of_time = true;
}

#define run_until(world, condition)                                                                \
    do {                                                                                           \
        while (!(condition)) {                                                                     \
            if ((world)->is_out_of_time)                                                           \
                fail_msg("waited in vain for " #condition);                                        \
            (void)uv_run(&(world)->loop, UV_RUN_ONCE);                                             \
        }                                                                                          \
    } while (0)

// Lets everything happen that needs no new cause.
static void settle(struct world *world) {
    for (int i = 0; i < 20; i++)
        (void)uv_run(&world->loop, UV_RUN_NOWAIT);
}

static void on_connection(uv_stream_t *listener, int status) {
    struct world *world = listener->data;
    assert_int_equal(status, 0);
    assert_int_equal(gw_transport_init(&world->server.transport, &world->loop, world->shared,
                                       world->context, &events),
                     GW_OK);
    assert_int_equal(gw_transport_accept(&world->server.transport, listener), GW_OK);
    assert_int_equal(world->server.opens + world->server.errors, 0);
    world->is_accepted = true;
}

static void listen_on_a_free_port(struct world *world) {
    struct sockaddr_in any;
    int length = sizeof(world->address);
    assert_int_equal(uv_tcp_init(&world->loop, &world->listener), 0);
    world->listener.data = world;
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &any), 0);
    assert_int_equal(uv_tcp_bind(&world->listener, (const struct sockaddr *)&any, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&world->listener, 8, on_connection), 0);
    assert_int_equal(
        uv_tcp_getsockname(&world->listener, (struct sockaddr *)&world->address, &length), 0);
}

static void world_init(struct world *world, struct tls_context *context) {
    memset(world, 0, sizeof(*world));
    world->context = context;
    gw_buf_init(&world->server.received, SIZE_MAX);
    gw_buf_init(&world->client.received, SIZE_MAX);
    assert_int_equal(uv_loop_init(&world->loop), 0);
    assert_int_equal(uv_timer_init(&world->loop, &world->guard), 0);
    world->guard.data = world;
    assert_int_equal(uv_timer_start(&world->guard, on_guard, GUARD_MS, 0), 0);
    assert_int_equal(gw_transport_shared_create(&world->shared), GW_OK);
    gw_handshake_queue_open(&world->queue, &world->loop, 1, &world->metrics);
    gw_transport_shared_set_queue(world->shared, &world->queue);
    listen_on_a_free_port(world);
}

static void start_connect(struct world *world) {
    assert_int_equal(
        gw_transport_init(&world->client.transport, &world->loop, world->shared, NULL, &events),
        GW_OK);
    assert_int_equal(gw_transport_connect(&world->client.transport, &world->connect,
                                          (const struct sockaddr *)&world->address, NULL),
                     GW_OK);
    assert_int_equal(world->client.opens + world->client.errors, 0);
}

static void connect_ends(struct world *world) {
    start_connect(world);
    run_until(world, world->is_accepted && world->client.opens == 1);
}

// Closes what is open; no handle may be left.
static void world_deinit(struct world *world) {
    if (world->is_accepted)
        gw_transport_close(&world->server.transport);
    gw_transport_close(&world->client.transport);
    uv_close((uv_handle_t *)&world->listener, NULL);
    uv_close((uv_handle_t *)&world->guard, NULL);
    gw_handshake_queue_close(&world->queue);
    (void)uv_run(&world->loop, UV_RUN_DEFAULT);
    assert_int_equal(world->server.closes, world->is_accepted ? 1 : 0);
    assert_int_equal(world->client.closes, 1);
    assert_int_equal(uv_loop_close(&world->loop), 0);
    assert_int_equal(world->metrics.tls_handshakes_waiting, 0);
    gw_transport_shared_destroy(world->shared);
}

static void send_bytes(struct end *end, struct gw_str bytes) {
    assert_int_equal(gw_buf_append_str(gw_transport_output(&end->transport), bytes), GW_OK);
    int callbacks = end->opens + end->reads + end->ends + end->drains + end->errors + end->closes;
    gw_transport_flush(&end->transport);
    assert_int_equal(end->opens + end->reads + end->ends + end->drains + end->errors + end->closes,
                     callbacks);
}

static bool has_received(const struct end *end, const char *expected) {
    return gw_str_equal(gw_buf_bytes(&end->received), gw_str_from(expected));
}

static void assert_holds_no_buffer(const struct end *end) {
    assert_null(end->transport.output.memory);
    assert_null(end->transport.wire.memory);
    assert_null(end->transport.write);
}

// What close() without reading or a crash of the peer's machine looks like: RST.
static void reset_connection(struct end *end) {
    uv_os_fd_t fd;
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    assert_int_equal(uv_fileno((uv_handle_t *)&end->transport.tcp, &fd), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    gw_transport_close(&end->transport);
}

static void echo(struct end *end) {
    assert_int_equal(
        gw_buf_append_str(gw_transport_output(&end->transport), gw_buf_bytes(&end->received)),
        GW_OK);
    gw_buf_clear(&end->received);
    gw_transport_flush(&end->transport);
}

static void close_transport(struct end *end) {
    gw_transport_close(&end->transport);
    gw_transport_close(&end->transport);
}

// A stream of STREAM_BYTES, byte i being the low bits of i / 7, written as fast as back-pressure
// allows.

static void write_stream(struct end *end) {
    char piece[PIECE_BYTES];
    while (end->written_bytes < STREAM_BYTES &&
           gw_transport_pending_bytes(&end->transport) <= GW_CONN_WRITE_HIGH_WATER_BYTES) {
        size_t length = STREAM_BYTES - end->written_bytes;
        length = length < PIECE_BYTES ? length : PIECE_BYTES;
        for (size_t i = 0; i < length; i++)
            piece[i] = (char)((end->written_bytes + i) / 7);
        send_bytes(end, gw_str(piece, length));
        end->written_bytes += length;
    }
}

static void assert_is_stream(struct gw_str bytes) {
    assert_int_equal(bytes.length, STREAM_BYTES);
    for (size_t i = 0; i < bytes.length; i++) {
        if (bytes.at[i] != (char)(i / 7))
            fail_msg("byte %zu of the stream is wrong", i);
    }
}

// Plain TCP.

static void test_plain_bytes_are_echoed_and_no_buffer_stays(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL);
    world.server.on_read_hook = echo;
    connect_ends(&world);
    for (int i = 1; i <= 3; i++) {
        send_bytes(&world.client, GW_STR("ping"));
        run_until(&world, world.client.received_bytes == (size_t)i * 4);
    }
    assert_true(has_received(&world.client, "pingpingping"));
    assert_int_equal(world.server.opens, 1);
    assert_int_equal(world.server.drains + world.client.drains, 0);
    assert_holds_no_buffer(&world.server);
    assert_holds_no_buffer(&world.client);
    world_deinit(&world);
}

static void test_peer_address_is_the_other_end(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL);
    connect_ends(&world);
    struct sockaddr_storage peer;
    assert_int_equal(gw_transport_peer_address(&world.client.transport, &peer), GW_OK);
    assert_int_equal(peer.ss_family, AF_INET);
    assert_memory_equal(&peer, &world.address, sizeof(world.address));
    world_deinit(&world);
}

static void assert_stream_passes_a_slow_reader(struct world *world) {
    write_stream(&world->server);
    settle(world);
    size_t stuck_at = world->server.written_bytes;
    assert_true(stuck_at < STREAM_BYTES);
    assert_true(gw_transport_pending_bytes(&world->server.transport) >
                GW_CONN_WRITE_LOW_WATER_BYTES);
    world->server.on_drain_hook = write_stream;
    gw_transport_resume(&world->client.transport);
}

static void test_a_slow_reader_holds_the_writer_back(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL);
    connect_ends(&world);
    gw_transport_pause(&world.client.transport);
    assert_stream_passes_a_slow_reader(&world);
    run_until(&world, world.client.received_bytes == STREAM_BYTES);
    settle(&world);
    assert_is_stream(gw_buf_bytes(&world.client.received));
    assert_true(world.server.drains > 0);
    assert_int_equal(gw_transport_pending_bytes(&world.server.transport), 0);
    assert_holds_no_buffer(&world.server);
    world_deinit(&world);
}

static void test_output_past_its_cap_is_refused(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL);
    connect_ends(&world);
    char *big = calloc(1, GW_TRANSPORT_OUTPUT_BYTES_MAX);
    assert_non_null(big);
    struct gw_buf *output = gw_transport_output(&world.client.transport);
    assert_int_equal(gw_buf_append(output, big, GW_TRANSPORT_OUTPUT_BYTES_MAX), GW_OK);
    assert_int_equal(gw_buf_append(output, "x", 1), GW_TOO_BIG);
    free(big);
    gw_transport_flush(&world.client.transport);
    run_until(&world, world.server.received_bytes == GW_TRANSPORT_OUTPUT_BYTES_MAX);
    world_deinit(&world);
}

static void test_a_paused_transport_reads_nothing(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL);
    connect_ends(&world);
    gw_transport_pause(&world.server.transport);
    send_bytes(&world.client, GW_STR("ping"));
    settle(&world);
    assert_int_equal(world.server.opens + world.server.reads, 0);
    gw_transport_resume(&world.server.transport);
    run_until(&world, has_received(&world.server, "ping"));
    world_deinit(&world);
}

static void test_half_close_leaves_the_way_back_open(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL);
    connect_ends(&world);
    send_bytes(&world.client, GW_STR("question"));
    gw_transport_shutdown(&world.client.transport);
    run_until(&world, world.server.ends == 1);
    assert_true(has_received(&world.server, "question"));
    send_bytes(&world.server, GW_STR("answer"));
    run_until(&world, has_received(&world.client, "answer"));
    assert_int_equal(world.client.ends, 0);
    gw_transport_shutdown(&world.server.transport);
    run_until(&world, world.client.ends == 1);
    assert_int_equal(world.server.errors + world.client.errors, 0);
    world_deinit(&world);
}

static void test_a_peer_that_only_connects_and_leaves_opens_and_ends(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL);
    connect_ends(&world);
    gw_transport_close(&world.client.transport);
    run_until(&world, world.server.ends == 1);
    assert_int_equal(world.server.opens, 1);
    world_deinit(&world);
}

static void test_shutdown_waits_for_everything_queued(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL);
    connect_ends(&world);
    gw_transport_pause(&world.client.transport);
    write_stream(&world.server);
    settle(&world);
    gw_transport_shutdown(&world.server.transport);
    size_t sent = world.server.written_bytes;
    assert_true(gw_transport_pending_bytes(&world.server.transport) > 0);
    gw_transport_resume(&world.client.transport);
    run_until(&world, world.client.ends == 1);
    assert_int_equal(world.client.received_bytes, sent);
    assert_true(world.server.drains > 0);
    assert_int_equal(gw_transport_pending_bytes(&world.server.transport), 0);
    world_deinit(&world);
}

static void test_a_reset_is_reported_once(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL);
    connect_ends(&world);
    send_bytes(&world.client, GW_STR("ping"));
    run_until(&world, world.server.reads == 1);
    reset_connection(&world.client);
    run_until(&world, world.server.errors == 1);
    assert_int_equal(world.server.error, GW_CLOSED);
    settle(&world);
    assert_int_equal(world.server.ends, 0);
    world_deinit(&world);
}

static void test_a_reset_while_a_write_is_in_flight(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL);
    connect_ends(&world);
    gw_transport_pause(&world.client.transport);
    write_stream(&world.server);
    settle(&world);
    assert_non_null(world.server.transport.write);
    reset_connection(&world.client);
    run_until(&world, world.server.errors == 1);
    assert_int_equal(world.server.error, GW_CLOSED);
    assert_int_equal(gw_buf_length(gw_transport_output(&world.server.transport)), 0);
    world_deinit(&world);
}

static size_t held_bytes(const struct world *world) {
    return world->shared->memory.held_bytes;
}

static void test_what_the_peer_does_not_take_is_counted_until_it_does(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL);
    connect_ends(&world);
    world.client.drops_received = true;
    gw_transport_hold(&world.server.transport, 1000); // of the owner
    assert_int_equal(held_bytes(&world), 1000);
    gw_transport_pause(&world.client.transport);
    write_stream(&world.server);
    settle(&world);
    assert_true(held_bytes(&world) >= gw_transport_pending_bytes(&world.server.transport) + 1000);
    gw_transport_resume(&world.client.transport);
    run_until(&world, gw_transport_pending_bytes(&world.server.transport) == 0);
    settle(&world);
    assert_int_equal(held_bytes(&world), 1000);
    world_deinit(&world); // asserts that nothing stays counted
}

static void test_over_the_bound_what_is_not_taken_is_given_up_before_more_is_read(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL);
    connect_ends(&world);
    gw_transport_shared_set_memory_max(world.shared, 1000, &world.metrics);
    gw_transport_pause(&world.client.transport);
    write_stream(&world.server);
    settle(&world);
    assert_true(gw_transport_shared_is_tight(world.shared));
    assert_int_equal(world.server.errors, 0);
    send_bytes(&world.client, GW_STR("more"));
    run_until(&world, world.server.errors == 1);
    assert_int_equal(world.server.error, GW_NO_MEMORY);
    assert_int_equal(world.server.reads, 0);
    assert_int_equal(world.metrics.memory_ended_total, 1);
    world_deinit(&world);
}

static void test_a_write_to_a_dead_socket_fails_later_from_the_loop(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL);
    connect_ends(&world);
    gw_transport_pause(&world.server.transport);
    reset_connection(&world.client);
    run_until(&world, world.client.closes == 1);
    send_bytes(&world.server, GW_STR("into the void")); // asserts that nothing is called back
    run_until(&world, world.server.errors == 1);
    assert_int_equal(world.server.error, GW_CLOSED);
    world_deinit(&world);
}

static void test_an_early_answer_is_read_although_writing_fails(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL);
    connect_ends(&world);
    gw_transport_pause(&world.client.transport);
    send_bytes(&world.client, GW_STR("unread"));
    send_bytes(&world.server, GW_STR("early answer"));
    gw_transport_pause(&world.client.transport);
    gw_transport_pause(&world.server.transport);
    gw_transport_close(&world.server.transport); // with bytes unread: RST behind the answer
    run_until(&world, world.server.closes == 1);
    gw_transport_resume(&world.client.transport);
    send_bytes(&world.client, GW_STR("more of the request"));
    run_until(&world, world.client.errors == 1);
    assert_int_equal(world.client.error, GW_CLOSED);
    assert_true(has_received(&world.client, "early answer"));
    world_deinit(&world);
}

static void test_nothing_is_delivered_after_close_in_on_read(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL);
    world.server.on_read_hook = close_transport;
    connect_ends(&world);
    send_bytes(&world.client, GW_STR("ping"));
    run_until(&world, world.server.closes == 1);
    assert_int_equal(world.server.reads, 1);
    assert_int_equal(world.server.ends + world.server.errors, 0);
    world_deinit(&world);
}

static void test_close_in_on_open_delivers_nothing(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL);
    world.server.on_open_hook = close_transport;
    connect_ends(&world);
    send_bytes(&world.client, GW_STR("ping"));
    run_until(&world, world.server.closes == 1);
    assert_int_equal(world.server.reads + world.server.ends + world.server.errors, 0);
    world_deinit(&world);
}

static void test_close_drops_what_is_in_flight(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL);
    connect_ends(&world);
    gw_transport_pause(&world.client.transport);
    write_stream(&world.server);
    assert_non_null(world.server.transport.write);
    gw_transport_close(&world.server.transport);
    gw_transport_flush(&world.server.transport);
    gw_transport_shutdown(&world.server.transport);
    run_until(&world, world.server.closes == 1);
    assert_int_equal(world.server.errors, 0);
    world_deinit(&world);
}

static void test_connecting_to_nobody_is_unavailable(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL);
    uv_tcp_t silent; // bound, not listening
    struct sockaddr_in any;
    int length = sizeof(world.address);
    assert_int_equal(uv_tcp_init(&world.loop, &silent), 0);
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &any), 0);
    assert_int_equal(uv_tcp_bind(&silent, (const struct sockaddr *)&any, 0), 0);
    assert_int_equal(uv_tcp_getsockname(&silent, (struct sockaddr *)&world.address, &length), 0);
    start_connect(&world);
    run_until(&world, world.client.errors == 1);
    assert_int_equal(world.client.error, GW_UNAVAILABLE);
    assert_int_equal(world.client.opens, 0);
    uv_close((uv_handle_t *)&silent, NULL);
    world_deinit(&world);
}

static void test_close_while_connecting(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL);
    start_connect(&world);
    gw_transport_close(&world.client.transport);
    run_until(&world, world.client.closes == 1);
    assert_int_equal(world.client.opens + world.client.errors, 0);
    settle(&world);
    world_deinit(&world);
}

static void test_output_before_the_connection_waits_for_it(void **state) {
    (void)state;
    struct world world;
    world_init(&world, NULL);
    start_connect(&world);
    send_bytes(&world.client, GW_STR("early"));
    assert_int_equal(gw_transport_pending_bytes(&world.client.transport), 5);
    run_until(&world, has_received(&world.server, "early"));
    world_deinit(&world);
}

// TLS.

static struct tls_context *make_context(const unsigned char *ticket_secret) {
    struct tls_context *context;
    struct test_certificate certificate;
    char error[TLS_ERROR_TEXT_BYTES];
    test_certificate_create(&certificate, TEST_KEY_EC);
    struct tls_context_options options = {.certificate_file = certificate.certificate_file,
                                          .key_file = certificate.key_file,
                                          .ticket_secret = ticket_secret};
    assert_int_equal(tls_context_create_server(&options, &context, error), GW_OK);
    test_certificate_destroy(&certificate);
    return context;
}

static int set_up_tls(void **state) {
    (void)signal(SIGPIPE, SIG_IGN);
    *state = make_context(NULL);
    return 0;
}

static int tear_down_tls(void **state) {
    tls_context_release(*state);
    return 0;
}

static void send_tls_output(struct world *world) {
    struct gw_buf *output = &world->tls.output;
    if (gw_buf_length(output) == 0)
        return;
    assert_int_equal(
        gw_buf_append_str(gw_transport_output(&world->client.transport), gw_buf_bytes(output)),
        GW_OK);
    gw_buf_clear(output);
    gw_transport_flush(&world->client.transport);
}

static void on_client_ciphertext(struct end *end) {
    struct world *world = gw_container_of(end, struct world, client);
    assert_int_equal(gw_buf_append_str(&world->tls.input, gw_buf_bytes(&end->received)), GW_OK);
    gw_buf_clear(&end->received);
    if (!mbedtls_ssl_is_handshake_over(&world->tls.ssl))
        (void)test_tls_client_handshake(&world->tls);
    send_tls_output(world);
}

static void tls_world_init(struct world *world, struct tls_context *context,
                           mbedtls_ssl_protocol_version version) {
    struct test_tls_client_options options = {.version = version};
    world_init(world, context);
    test_tls_client_init(&world->tls, &options);
    world->client.on_read_hook = on_client_ciphertext;
    connect_ends(world);
}

static void shake_hands(struct world *world) {
    (void)test_tls_client_handshake(&world->tls);
    send_tls_output(world);
    run_until(world, world->server.opens == 1);
    run_until(world, mbedtls_ssl_is_handshake_over(&world->tls.ssl));
}

static void tls_world_deinit(struct world *world) {
    test_tls_client_deinit(&world->tls);
    world_deinit(world);
}

static void client_sends(struct world *world, const char *text) {
    test_tls_client_write(&world->tls, text, strlen(text));
    send_tls_output(world);
}

// Plaintext that arrived so far, appended to `out`; the code that ended it.
static int client_reads(struct world *world, struct gw_buf *out) {
    char *at;
    for (;;) {
        assert_int_equal(gw_buf_reserve(out, 16384, &at), GW_OK);
        int code = test_tls_client_read(&world->tls, at, 16384);
        if (code <= 0)
            return code;
        gw_buf_commit(out, (size_t)code);
    }
}

static void test_tls_bytes_are_echoed_and_no_buffer_stays(void **state) {
    static const mbedtls_ssl_protocol_version versions[] = {MBEDTLS_SSL_VERSION_TLS1_2,
                                                            MBEDTLS_SSL_VERSION_TLS1_3};
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        struct gw_buf got;
        gw_buf_init(&got, SIZE_MAX);
        tls_world_init(&world, *state, versions[i]);
        world.server.on_read_hook = echo;
        shake_hands(&world);
        client_sends(&world, "ping");
        run_until(&world, gw_buf_length(&world.tls.input) > 0);
        assert_int_equal(client_reads(&world, &got), MBEDTLS_ERR_SSL_WANT_READ);
        assert_true(gw_str_equal(gw_buf_bytes(&got), GW_STR("ping")));
        assert_holds_no_buffer(&world.server);
        gw_buf_deinit(&got);
        tls_world_deinit(&world);
    }
}

// The client's last flight and `text` in one segment.
static void send_with_last_flight(struct world *world, const char *text) {
    world->client.on_read_hook = NULL;
    (void)test_tls_client_handshake(&world->tls);
    send_tls_output(world);
    while (test_tls_client_handshake(&world->tls) != 0) {
        run_until(world, gw_buf_length(&world->client.received) > 0);
        assert_int_equal(
            gw_buf_append_str(&world->tls.input, gw_buf_bytes(&world->client.received)), GW_OK);
        gw_buf_clear(&world->client.received);
    }
    assert_int_equal(world->server.opens, 0);
    client_sends(world, text);
}

static void test_tls_data_with_the_last_flight_is_delivered(void **state) {
    struct world world;
    tls_world_init(&world, *state, MBEDTLS_SSL_VERSION_TLS1_3);
    send_with_last_flight(&world, "with the Finished");
    run_until(&world, has_received(&world.server, "with the Finished"));
    tls_world_deinit(&world);
}

static void test_tls_a_ticket_leaves_with_what_is_answered(void **state) {
    (void)state;
    static const unsigned char secret[TLS_TICKET_SECRET_BYTES] = {1};
    struct tls_context *context = make_context(secret);
    struct world world;
    struct gw_buf got;
    gw_buf_init(&got, SIZE_MAX);
    tls_world_init(&world, context, MBEDTLS_SSL_VERSION_TLS1_3);
    world.server.on_read_hook = echo;
    send_with_last_flight(&world, "ping");
    world.client.reads = 0;
    world.client.on_read_hook = on_client_ciphertext;
    run_until(&world, world.client.reads > 0);
    assert_true(gw_buf_length(&world.tls.input) > 100); // the ticket
    for (int i = 0; i < 2; i++) // the library may ask for more once before it looks at what it has
        assert_int_equal(client_reads(&world, &got), MBEDTLS_ERR_SSL_WANT_READ);
    assert_true(gw_str_equal(gw_buf_bytes(&got), GW_STR("ping")));
    assert_int_equal(world.client.reads, 1);
    gw_buf_deinit(&got);
    tls_world_deinit(&world);
    tls_context_release(context);
}

// Else it would have to wait for a request that may never come.
static void test_tls_a_ticket_leaves_alone_when_nothing_is_answered(void **state) {
    (void)state;
    static const unsigned char secret[TLS_TICKET_SECRET_BYTES] = {1};
    struct tls_context *context = make_context(secret);
    struct world world;
    tls_world_init(&world, context, MBEDTLS_SSL_VERSION_TLS1_3);
    shake_hands(&world);
    run_until(&world, gw_buf_length(&world.tls.input) > 100);
    assert_holds_no_buffer(&world.server);
    tls_world_deinit(&world);
    tls_context_release(context);
}

static void test_tls_a_slow_reader_holds_the_writer_back(void **state) {
    struct world world;
    struct gw_buf got;
    gw_buf_init(&got, SIZE_MAX);
    tls_world_init(&world, *state, MBEDTLS_SSL_VERSION_TLS1_3);
    shake_hands(&world);
    gw_transport_pause(&world.client.transport);
    assert_stream_passes_a_slow_reader(&world);
    while (gw_buf_length(&got) < STREAM_BYTES) {
        run_until(&world, gw_buf_length(&world.tls.input) > 0);
        assert_int_equal(client_reads(&world, &got), MBEDTLS_ERR_SSL_WANT_READ);
    }
    settle(&world);
    assert_is_stream(gw_buf_bytes(&got));
    assert_true(world.server.drains > 0);
    assert_holds_no_buffer(&world.server);
    gw_buf_deinit(&got);
    tls_world_deinit(&world);
}

static void test_tls_nothing_is_delivered_after_close_in_on_read(void **state) {
    struct world world;
    tls_world_init(&world, *state, MBEDTLS_SSL_VERSION_TLS1_3);
    shake_hands(&world);
    world.server.on_read_hook = close_transport;
    test_tls_client_write(&world.tls, "one", 3);
    test_tls_client_write(&world.tls, "two", 3);
    send_tls_output(&world);
    run_until(&world, world.server.closes == 1);
    assert_int_equal(world.server.reads, 1);
    tls_world_deinit(&world);
}

static void test_tls_failures_are_logged_once_in_a_while(void **state) {
    struct world world;
    tls_world_init(&world, *state, MBEDTLS_SSL_VERSION_TLS1_3);
    shake_hands(&world);
    for (int i = 0; i < 3; i++)
        gw_transport_log_failure(&world.server.transport, "client", NULL, "a test");
    assert_int_equal(world.shared->log_left_out, 2);
    world.shared->log_next_ms = uv_now(&world.loop); // a second later
    gw_transport_log_failure(&world.server.transport, "client", NULL, "a test");
    assert_int_equal(world.shared->log_left_out, 0);
    tls_world_deinit(&world);
}

static void test_tls_close_in_on_open(void **state) {
    struct world world;
    tls_world_init(&world, *state, MBEDTLS_SSL_VERSION_TLS1_2);
    world.server.on_open_hook = close_transport;
    (void)test_tls_client_handshake(&world.tls);
    send_tls_output(&world);
    run_until(&world, world.server.closes == 1);
    assert_int_equal(world.server.opens, 1);
    assert_int_equal(world.server.errors + world.server.ends, 0);
    tls_world_deinit(&world);
}

static void test_tls_close_notify_is_an_end(void **state) {
    struct world world;
    struct gw_buf got;
    gw_buf_init(&got, SIZE_MAX);
    tls_world_init(&world, *state, MBEDTLS_SSL_VERSION_TLS1_3);
    shake_hands(&world);
    assert_int_equal(mbedtls_ssl_close_notify(&world.tls.ssl), 0);
    send_tls_output(&world);
    gw_transport_shutdown(&world.client.transport);
    run_until(&world, world.server.ends == 1);
    send_bytes(&world.server, GW_STR("answer"));
    gw_transport_shutdown(&world.server.transport);
    run_until(&world, world.client.ends == 1);
    assert_int_equal(client_reads(&world, &got), MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
    assert_true(gw_str_equal(gw_buf_bytes(&got), GW_STR("answer")));
    assert_int_equal(world.server.errors, 0);
    gw_buf_deinit(&got);
    tls_world_deinit(&world);
}

static void test_tls_end_without_close_notify_is_an_error(void **state) {
    struct world world;
    tls_world_init(&world, *state, MBEDTLS_SSL_VERSION_TLS1_3);
    shake_hands(&world);
    gw_transport_close(&world.client.transport);
    run_until(&world, world.server.errors == 1);
    assert_int_equal(world.server.error, GW_CLOSED);
    tls_world_deinit(&world);
}

static void test_tls_bare_end_after_our_shutdown_is_an_end(void **state) {
    struct world world;
    tls_world_init(&world, *state, MBEDTLS_SSL_VERSION_TLS1_3);
    shake_hands(&world);
    gw_transport_shutdown(&world.server.transport);
    run_until(&world, world.client.ends == 1);
    gw_transport_close(&world.client.transport);
    run_until(&world, world.server.ends == 1);
    assert_int_equal(world.server.errors, 0);
    tls_world_deinit(&world);
}

// Much more than the broken handshake needs is on its way, so bytes are unread when the alert is
// written.
static void test_tls_garbage_gets_its_alert_and_the_peer_is_drained(void **state) {
    struct world world;
    tls_world_init(&world, *state, 0);
    world.client.on_read_hook = NULL;
    char *garbage = calloc(1, 400000);
    assert_non_null(garbage);
    send_bytes(&world.client, gw_str(garbage, 400000));
    free(garbage);
    run_until(&world, world.server.errors == 1 && world.client.ends == 1);
    assert_int_equal(world.server.error, GW_INVALID);
    assert_int_equal(world.server.opens + world.server.ends, 0);
    assert_int_equal(world.client.errors, 0);
    assert_int_equal(world.client.received.memory[0], MBEDTLS_SSL_MSG_ALERT);
    gw_transport_close(&world.client.transport);
    run_until(&world, world.server.ends == 1); // nothing left to linger for
    tls_world_deinit(&world);
}

static void test_tls_broken_record_gets_its_alert(void **state) {
    struct world world;
    struct gw_buf got;
    gw_buf_init(&got, SIZE_MAX);
    tls_world_init(&world, *state, MBEDTLS_SSL_VERSION_TLS1_3);
    shake_hands(&world);
    test_tls_client_write(&world.tls, "ping", 4);
    world.tls.output.memory[world.tls.output.end - 1] ^= 1;
    send_tls_output(&world);
    run_until(&world, world.server.errors == 1 && world.client.ends == 1);
    assert_int_equal(world.server.error, GW_INVALID);
    assert_int_equal(client_reads(&world, &got), MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE);
    gw_buf_deinit(&got);
    tls_world_deinit(&world);
}

static void test_tls_port_tells_http_in_the_clear_to_use_https(void **state) {
    static const char start[] = "HTTP/1.1 400 Bad Request\r\n";
    static const char end[] = "\r\nConnection: close\r\n\r\nThis port speaks TLS; use https://\n";
    struct world world;
    tls_world_init(&world, *state, 0);
    world.client.on_read_hook = NULL;
    send_bytes(&world.client, GW_STR("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    run_until(&world, world.server.errors == 1 && world.client.ends == 1);
    assert_int_equal(world.server.error, GW_INVALID);
    struct gw_str answer = gw_buf_bytes(&world.client.received);
    assert_true(gw_str_starts_with(answer, gw_str_from(start)));
    assert_true(answer.length > sizeof(end));
    assert_memory_equal(answer.at + answer.length - (sizeof(end) - 1), end, sizeof(end) - 1);
    tls_world_deinit(&world);
}

static void test_tls_reset_in_the_handshake_is_closed(void **state) {
    struct world world;
    tls_world_init(&world, *state, 0);
    (void)test_tls_client_handshake(&world.tls);
    gw_buf_take(&world.tls.output, 1);
    send_bytes(&world.client, GW_STR("\x16"));
    settle(&world);
    reset_connection(&world.client);
    run_until(&world, world.server.errors == 1);
    assert_int_equal(world.server.error, GW_CLOSED);
    assert_int_equal(world.server.opens, 0);
    tls_world_deinit(&world);
}

static void test_tls_alert_of_the_client_is_closed(void **state) {
    struct world world;
    tls_world_init(&world, *state, MBEDTLS_SSL_VERSION_TLS1_3);
    shake_hands(&world);
    assert_int_equal(mbedtls_ssl_send_alert_message(&world.tls.ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                                    MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR),
                     0);
    send_tls_output(&world);
    run_until(&world, world.server.errors == 1);
    assert_int_equal(world.server.error, GW_CLOSED);
    tls_world_deinit(&world);
}

// While the server's session has no turn: the other one takes longer than the budget of a round,
// and asks again.

// In the same queue for ever, and first.
static void on_other_turn(struct gw_handshake_turn *turn) {
    struct world *world = gw_container_of(turn, struct world, other);
    uint64_t end_ns = uv_hrtime() + GW_HANDSHAKE_BUDGET_US * UINT64_C(1000);
    while (uv_hrtime() <= end_ns) {
    }
    gw_list_push_front(&world->queue.waiting[world->other_queue], &turn->link);
}

static void withhold_turns(struct world *world, enum gw_handshake_kind queue) {
    world->other_queue = queue;
    gw_handshake_turn_init(&world->other, on_other_turn);
    gw_list_push_back(&world->queue.waiting[queue], &world->other.link);
}

static void grant_turns(struct world *world) {
    gw_handshake_queue_leave(&world->queue, &world->other);
}

static void test_tls_hello_waits_for_its_turn(void **state) {
    struct world world;
    tls_world_init(&world, *state, MBEDTLS_SSL_VERSION_TLS1_3);
    withhold_turns(&world, GW_HANDSHAKE_FULL);
    (void)test_tls_client_handshake(&world.tls);
    send_tls_output(&world);
    run_until(&world, world.metrics.tls_handshakes_waiting == 1);
    settle(&world);
    assert_int_equal(world.client.received_bytes, 0);
    grant_turns(&world);
    run_until(&world, world.server.opens == 1);
    assert_null(world.server.transport.handshake);
    tls_world_deinit(&world);
}

static void test_tls_peer_that_leaves_while_it_waits_costs_nothing(void **state) {
    struct world world;
    tls_world_init(&world, *state, MBEDTLS_SSL_VERSION_TLS1_3);
    withhold_turns(&world, GW_HANDSHAKE_FULL);
    (void)test_tls_client_handshake(&world.tls);
    send_tls_output(&world);
    run_until(&world, world.metrics.tls_handshakes_waiting == 1);
    gw_transport_close(&world.client.transport);
    run_until(&world, world.server.errors == 1);
    assert_int_equal(world.server.error, GW_CLOSED);
    assert_int_equal(world.metrics.tls_handshakes_waiting, 0);
    grant_turns(&world);
    tls_world_deinit(&world);
}

// The client sends its last flight, a request and its end at once.
static void test_tls_last_flight_of_a_peer_that_ends_has_its_turn(void **state) {
    struct world world;
    tls_world_init(&world, *state, MBEDTLS_SSL_VERSION_TLS1_3);
    world.client.on_read_hook = NULL;
    (void)test_tls_client_handshake(&world.tls);
    send_tls_output(&world);
    while (test_tls_client_handshake(&world.tls) != 0) {
        run_until(&world, gw_buf_length(&world.client.received) > 0);
        assert_int_equal(gw_buf_append_str(&world.tls.input, gw_buf_bytes(&world.client.received)),
                         GW_OK);
        gw_buf_clear(&world.client.received);
    }
    withhold_turns(&world, GW_HANDSHAKE_SHORT);
    test_tls_client_write(&world.tls, "request", 7);
    assert_int_equal(mbedtls_ssl_close_notify(&world.tls.ssl), 0);
    send_tls_output(&world);
    gw_transport_shutdown(&world.client.transport);
    settle(&world);
    assert_int_equal(world.server.opens + world.server.errors, 0);
    grant_turns(&world);
    run_until(&world, world.server.ends == 1);
    assert_true(has_received(&world.server, "request"));
    assert_int_equal(world.server.errors, 0);
    tls_world_deinit(&world);
}

// More than any hello: the rest stays where it is until the turn.
static void test_tls_flood_behind_a_hello_is_not_kept(void **state) {
    struct world world;
    char *flood = calloc(1, 1000000);
    assert_non_null(flood);
    tls_world_init(&world, *state, MBEDTLS_SSL_VERSION_TLS1_3);
    withhold_turns(&world, GW_HANDSHAKE_FULL);
    (void)test_tls_client_handshake(&world.tls);
    send_tls_output(&world);
    send_bytes(&world.client, gw_str(flood, 400000));
    run_until(&world, world.metrics.tls_handshakes_waiting == 1);
    settle(&world);
    assert_false(uv_is_active((uv_handle_t *)&world.server.transport.tcp)); // nor read
    grant_turns(&world);
    run_until(&world, world.server.errors == 1);
    assert_int_equal(world.server.error, GW_INVALID);
    free(flood);
    tls_world_deinit(&world);
}

static void test_tls_hello_over_the_bound_gets_an_alert(void **state) {
    struct world world;
    tls_world_init(&world, *state, MBEDTLS_SSL_VERSION_TLS1_3);
    world.client.on_read_hook = NULL;
    world.queue.newcomers_max = 0;
    (void)test_tls_client_handshake(&world.tls);
    send_tls_output(&world);
    run_until(&world, world.server.errors == 1 && world.client.ends == 1);
    assert_int_equal(world.server.error, GW_INVALID);
    assert_int_equal(world.metrics.tls_handshakes_refused_total, 1);
    assert_int_equal(gw_buf_append_str(&world.tls.input, gw_buf_bytes(&world.client.received)),
                     GW_OK);
    assert_int_equal(test_tls_client_fatal_alert(&world.tls), MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR);
    tls_world_deinit(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_bytes_are_echoed_and_no_buffer_stays),
        cmocka_unit_test(test_peer_address_is_the_other_end),
        cmocka_unit_test(test_a_slow_reader_holds_the_writer_back),
        cmocka_unit_test(test_output_past_its_cap_is_refused),
        cmocka_unit_test(test_a_paused_transport_reads_nothing),
        cmocka_unit_test(test_half_close_leaves_the_way_back_open),
        cmocka_unit_test(test_a_peer_that_only_connects_and_leaves_opens_and_ends),
        cmocka_unit_test(test_shutdown_waits_for_everything_queued),
        cmocka_unit_test(test_a_reset_is_reported_once),
        cmocka_unit_test(test_a_reset_while_a_write_is_in_flight),
        cmocka_unit_test(test_what_the_peer_does_not_take_is_counted_until_it_does),
        cmocka_unit_test(test_over_the_bound_what_is_not_taken_is_given_up_before_more_is_read),
        cmocka_unit_test(test_a_write_to_a_dead_socket_fails_later_from_the_loop),
        cmocka_unit_test(test_an_early_answer_is_read_although_writing_fails),
        cmocka_unit_test(test_nothing_is_delivered_after_close_in_on_read),
        cmocka_unit_test(test_close_in_on_open_delivers_nothing),
        cmocka_unit_test(test_close_drops_what_is_in_flight),
        cmocka_unit_test(test_connecting_to_nobody_is_unavailable),
        cmocka_unit_test(test_close_while_connecting),
        cmocka_unit_test(test_output_before_the_connection_waits_for_it),
        cmocka_unit_test(test_tls_bytes_are_echoed_and_no_buffer_stays),
        cmocka_unit_test(test_tls_data_with_the_last_flight_is_delivered),
        cmocka_unit_test(test_tls_a_ticket_leaves_with_what_is_answered),
        cmocka_unit_test(test_tls_a_ticket_leaves_alone_when_nothing_is_answered),
        cmocka_unit_test(test_tls_a_slow_reader_holds_the_writer_back),
        cmocka_unit_test(test_tls_nothing_is_delivered_after_close_in_on_read),
        cmocka_unit_test(test_tls_failures_are_logged_once_in_a_while),
        cmocka_unit_test(test_tls_close_in_on_open),
        cmocka_unit_test(test_tls_close_notify_is_an_end),
        cmocka_unit_test(test_tls_end_without_close_notify_is_an_error),
        cmocka_unit_test(test_tls_bare_end_after_our_shutdown_is_an_end),
        cmocka_unit_test(test_tls_garbage_gets_its_alert_and_the_peer_is_drained),
        cmocka_unit_test(test_tls_broken_record_gets_its_alert),
        cmocka_unit_test(test_tls_port_tells_http_in_the_clear_to_use_https),
        cmocka_unit_test(test_tls_reset_in_the_handshake_is_closed),
        cmocka_unit_test(test_tls_alert_of_the_client_is_closed),
        cmocka_unit_test(test_tls_hello_waits_for_its_turn),
        cmocka_unit_test(test_tls_peer_that_leaves_while_it_waits_costs_nothing),
        cmocka_unit_test(test_tls_last_flight_of_a_peer_that_ends_has_its_turn),
        cmocka_unit_test(test_tls_flood_behind_a_hello_is_not_kept),
        cmocka_unit_test(test_tls_hello_over_the_bound_gets_an_alert),
    };
    return cmocka_run_group_tests(tests, set_up_tls, tear_down_tls);
}
