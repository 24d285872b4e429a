// SPDX-License-Identifier: MIT
// From open to close, and how bytes come in: on_tcp_read -> receive -> (TLS: transport_tls.h) ->
// on_read. Before TLS come the PROXY header of an accepted connection, and the tunnel of one that
// connects through a proxy. During a handshake that takes turns, bytes wait for on_turn first.
#include "gateway/net/transport.h"

#include <stdlib.h>

#include "gateway/net/transport_tls.h"
#include "gateway/net/transport_tunnel.h"

// ---- shared by the loop ----

enum gw_status gw_transport_shared_create(struct gw_transport_shared **shared) {
    struct gw_transport_shared *created = malloc(sizeof(*created));
    if (created == NULL)
        return GW_NO_MEMORY;
    created->blocks.count = 0;
    created->queue = NULL;
    created->log_next_ms = created->log_left_out = 0;
    gw_memory_init(&created->memory);
    *shared = created;
    return GW_OK;
}

void gw_transport_shared_set_queue(struct gw_transport_shared *shared,
                                   struct gw_handshake_queue *queue) {
    shared->queue = queue;
}

void gw_transport_shared_set_memory_max(struct gw_transport_shared *shared, size_t max_bytes,
                                        struct gw_metrics *metrics) {
    gw_memory_set_bound(&shared->memory, max_bytes, metrics);
}

bool gw_transport_shared_is_tight(const struct gw_transport_shared *shared) {
    return gw_memory_is_tight(&shared->memory);
}

void gw_transport_shared_destroy(struct gw_transport_shared *shared) {
    if (shared == NULL)
        return;
    gw_assert(shared->memory.held_bytes == 0);
    gw_blocks_deinit(&shared->blocks);
    free(shared);
}

// ---- receiving ----

// An alert goes to the peer before the owner hears of it; see the head of the header.
static void fail_session(struct gw_transport *transport, enum gw_status status) {
    gw_assert(transport->tls != NULL);
    gw_transport_fail(transport, status == GW_CANCELLED ? GW_CLOSED : status);
    gw_transport_resume(transport);
    if (transport->is_fin_sent || transport->is_write_broken)
        gw_transport_report_failure(transport);
    else
        gw_transport_pump(transport);
}

static void receive_ciphertext(struct gw_transport *transport, struct gw_str bytes) {
    enum gw_status status = gw_transport_tls_receive(transport, bytes);
    if (status != GW_OK)
        fail_session(transport, status);
}

static void receive_end(struct gw_transport *transport);

static void on_turn(struct gw_handshake_turn *turn) {
    struct gw_transport_handshake *handshake =
        gw_container_of(turn, struct gw_transport_handshake, turn);
    struct gw_transport *transport = handshake->transport;
    struct gw_buf bytes;
    bool has_ended = gw_transport_tls_begin_turn(handshake, &bytes);
    receive_ciphertext(transport, gw_buf_bytes(&bytes));
    gw_buf_deinit(&bytes);
    if (has_ended && !transport->is_closing)
        receive_end(transport);
    else if (!transport->is_paused && !transport->is_end_seen)
        gw_transport_resume(transport); // the wait for the turn may have stopped it
}

static void wait_for_turn(struct gw_transport *transport, struct gw_str bytes) {
    enum gw_status status = gw_transport_tls_wait_for_turn(transport, bytes);
    if (status == GW_TOO_BIG)
        gw_transport_tls_refuse(transport);
    if (status != GW_OK)
        fail_session(transport, status == GW_TOO_BIG ? GW_INVALID : status);
}

static void end_proxy_header(struct gw_transport *transport) {
    free(transport->header);
    transport->header = NULL;
}

// Takes the header from the front of *bytes. True: it is complete, and bytes follow it.
static bool take_proxy_header(struct gw_transport *transport, struct gw_str *bytes) {
    size_t consumed = 0;
    enum gw_status status = gw_proxy_header_feed(transport->header, *bytes, &consumed);
    *bytes = gw_str_slice(*bytes, consumed, bytes->length);
    if (status == GW_WANT_INPUT)
        return false;
    if (status != GW_OK) {
        gw_transport_lose(transport, UV_ECONNRESET);
        return false;
    }
    transport->events->on_proxy_header(transport, transport->header);
    end_proxy_header(transport);
    return !transport->is_closing && bytes->length > 0;
}

// The client's end: its hello needs no input.
static void begin_handshake(struct gw_transport *transport) {
    enum gw_status status = gw_transport_tls_shake_hands(transport);
    if (status != GW_OK && status != GW_WANT_INPUT)
        fail_session(transport, status);
}

static void receive_of_proxy(struct gw_transport *transport, struct gw_str bytes) {
    enum gw_status status = gw_transport_tunnel_receive(transport, bytes);
    if (status == GW_OK) {
        begin_handshake(transport);
    } else if (status != GW_WANT_INPUT) {
        gw_transport_fail(transport, status);
        gw_transport_report_failure(transport);
    }
}

static void receive(struct gw_transport *transport, struct gw_str bytes) {
    if (transport->failure != GW_OK)
        return;
    if (transport->tunnel != NULL) {
        receive_of_proxy(transport, bytes);
        return;
    }
    if (transport->header != NULL && !take_proxy_header(transport, &bytes))
        return;
    if (transport->handshake != NULL) {
        wait_for_turn(transport, bytes);
        return;
    }
    if (transport->tls != NULL) {
        receive_ciphertext(transport, bytes);
        return;
    }
    gw_transport_announce_open(transport);
    if (!transport->is_closing && transport->failure == GW_OK)
        transport->events->on_read(transport, bytes);
}

// The last flight may be followed by the whole request, which is read first. A hello that is
// followed by FIN is not worth its turn.
static bool has_end_to_wait_for(const struct gw_transport *transport) {
    const struct gw_transport_handshake *handshake = transport->handshake;
    return handshake != NULL && handshake->has_begun && !gw_list_is_empty(&handshake->turn.link);
}

static void receive_end(struct gw_transport *transport) {
    if (has_end_to_wait_for(transport)) {
        transport->handshake->has_ended = true;
        return;
    }
    bool is_cut = transport->tls != NULL && !transport->is_end_seen && !transport->is_shutting_down;
    transport->is_end_seen = true;
    if (transport->failure != GW_OK) {
        if (transport->is_error_reported)
            gw_transport_report_end(transport);
        return;
    }
    if (is_cut || transport->is_write_broken) {
        gw_transport_lose(transport, UV_ECONNRESET);
        return;
    }
    if (transport->tls == NULL)
        gw_transport_announce_open(transport);
    gw_transport_report_end(transport);
}

static void on_tcp_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    (void)suggested;
    struct gw_transport *transport = gw_transport_of(handle);
    *buf = (uv_buf_t){.base = transport->shared->received, .len = GW_CONN_READ_BYTES};
}

// Before more comes in.
static void make_room(struct gw_memory *memory) {
    for (struct gw_holding *holding; (holding = gw_memory_take_excess(memory)) != NULL;)
        gw_transport_lose(gw_container_of(holding, struct gw_transport, holding), UV_ENOMEM);
}

static void on_tcp_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buf) {
    struct gw_transport *transport = gw_transport_of(stream);
    make_room(&transport->shared->memory);
    if (transport->is_closing || length == 0)
        return;
    transport->has_received = transport->has_received || length > 0;
    if (length > 0)
        receive(transport, gw_str(buf->base, (size_t)length));
    else if (length == UV_EOF)
        receive_end(transport);
    else
        gw_transport_lose(transport, (int)length);
}

static enum gw_status start_reading(struct gw_transport *transport) {
    int code = uv_read_start(gw_transport_stream(transport), on_tcp_allocate, on_tcp_read);
    return code == 0 || code == UV_EALREADY ? GW_OK : gw_transport_status_of(code);
}

void gw_transport_pause(struct gw_transport *transport) {
    if (transport->is_closing || transport->failure != GW_OK)
        return;
    transport->is_paused = true;
    (void)uv_read_stop(gw_transport_stream(transport));
}

void gw_transport_resume(struct gw_transport *transport) {
    transport->is_paused = false;
    // Fails only on a socket whose failure reading has reported.
    if (transport->is_connected && !transport->is_closing && !transport->is_write_broken)
        (void)!start_reading(transport);
}

// ---- from open to close ----

enum gw_status gw_transport_init(struct gw_transport *transport, uv_loop_t *loop,
                                 struct gw_transport_shared *shared, struct tls_context *tls,
                                 const struct gw_transport_events *events) {
    *transport = (struct gw_transport){.events = events, .shared = shared};
    gw_buf_init(&transport->output, GW_TRANSPORT_OUTPUT_BYTES_MAX);
    gw_buf_init(&transport->wire, GW_TRANSPORT_WIRE_BYTES_MAX);
    gw_holding_init(&transport->holding);
    int code = uv_tcp_init(loop, &transport->tcp);
    gw_assert(code == 0); // nothing can fail before there is a socket
    transport->tcp.data = transport;
    if (tls == NULL)
        return GW_OK;
    return tls_session_create(tls, &transport->wire, &transport->tls);
}

enum gw_status gw_transport_expect_proxy_header(struct gw_transport *transport) {
    gw_assert(transport->header == NULL && !transport->is_connected);
    transport->header = malloc(sizeof(*transport->header));
    if (transport->header == NULL)
        return GW_NO_MEMORY;
    gw_proxy_header_init(transport->header);
    return GW_OK;
}

enum gw_status gw_transport_accept(struct gw_transport *transport, uv_stream_t *listener) {
    gw_assert(!transport->is_connected && !transport->is_closing);
    int code = uv_accept(listener, gw_transport_stream(transport));
    if (code < 0)
        return gw_transport_status_of(code);
    transport->is_connected = true;
    if (transport->tls != NULL && transport->shared->queue != NULL &&
        gw_transport_tls_take_turns(transport, on_turn) != GW_OK)
        return GW_NO_MEMORY;
    return start_reading(transport);
}

// What stands between TCP and plaintext.
static void begin(struct gw_transport *transport) {
    if (transport->tunnel != NULL && gw_transport_tunnel_begin(transport) != GW_OK) {
        gw_transport_fail(transport, GW_NO_MEMORY);
        gw_transport_report_failure(transport);
    } else if (transport->tls == NULL) {
        gw_transport_announce_open(transport);
    } else if (transport->tunnel == NULL) {
        begin_handshake(transport);
    }
}

static void on_connect(uv_connect_t *request, int uv_status) {
    struct gw_transport *transport = gw_transport_of(request->handle);
    if (transport->is_closing)
        return;
    if (uv_status < 0) {
        gw_transport_fail(transport, GW_UNAVAILABLE);
        gw_transport_report_failure(transport);
        return;
    }
    transport->is_connected = true;
    (void)uv_tcp_nodelay(&transport->tcp, 1);
    begin(transport);
    if (transport->is_closing)
        return;
    if (!transport->is_paused && start_reading(transport) != GW_OK) {
        gw_transport_fail(transport, GW_SYSTEM);
        gw_transport_report_failure(transport);
        return;
    }
    gw_transport_pump(transport);
}

enum gw_status gw_transport_expect_tunnel(struct gw_transport *transport, struct gw_str request) {
    gw_assert(transport->tunnel == NULL && !transport->is_connected);
    transport->tunnel = gw_transport_tunnel_create(request);
    return transport->tunnel != NULL ? GW_OK : GW_NO_MEMORY;
}

// No fault of the other end.
static bool is_own_shortage(int uv_status) {
    return uv_status == UV_EMFILE || uv_status == UV_ENFILE || uv_status == UV_ENOBUFS ||
           uv_status == UV_ENOMEM;
}

enum gw_status gw_transport_connect(struct gw_transport *transport, uv_connect_t *request,
                                    const struct sockaddr *address,
                                    const struct tls_server *server) {
    gw_assert(transport->tls == NULL && !transport->is_connected && !transport->is_closing);
    gw_assert(transport->tunnel == NULL || server != NULL);
    if (server != NULL) {
        enum gw_status status =
            tls_session_create_client(server, &transport->wire, &transport->tls);
        if (status != GW_OK)
            return status;
    }
    int code = uv_tcp_connect(request, &transport->tcp, address, on_connect);
    if (code == 0)
        return GW_OK;
    return is_own_shortage(code) ? GW_SYSTEM : GW_UNAVAILABLE;
}

const char *gw_transport_connect_problem(const struct gw_transport *transport) {
    const struct gw_transport_tunnel *tunnel = transport->tunnel;
    if (!transport->is_connected)
        return tunnel != NULL ? "could not connect to the proxy" : "could not connect";
    if (tunnel != NULL)
        return tunnel->problem;
    const char *problem =
        transport->tls != NULL ? tls_session_certificate_problem(transport->tls) : NULL;
    return problem != NULL ? problem : "the TLS handshake failed";
}

const char *gw_transport_connect_delay(const struct gw_transport *transport) {
    if (transport->tunnel == NULL)
        return "could not connect in time";
    return transport->is_connected ? "the proxy did not answer in time"
                                   : "could not connect to the proxy in time";
}

bool gw_transport_drop_offered_session(struct gw_transport *transport) {
    return transport->is_connected && transport->tls != NULL && transport->tunnel == NULL &&
           tls_session_drop_offered(transport->tls);
}

bool gw_transport_is_worn(const struct gw_transport *transport) {
    return transport->tls != NULL && tls_session_is_worn(transport->tls);
}

bool gw_transport_is_over(const struct gw_transport *transport, int descriptors_max) {
    uv_os_fd_t fd;
    return descriptors_max > 0 && uv_fileno((const uv_handle_t *)&transport->tcp, &fd) == 0 &&
           fd >= descriptors_max;
}

enum gw_status gw_transport_peer_address(const struct gw_transport *transport,
                                         struct sockaddr_storage *address) {
    struct sockaddr_storage found = {0};
    int length = sizeof(found);
    int code = uv_tcp_getpeername(&transport->tcp, (struct sockaddr *)&found, &length);
    if (code < 0)
        return gw_transport_status_of(code);
    *address = found;
    return GW_OK;
}

static void on_tcp_closed(uv_handle_t *handle) {
    struct gw_transport *transport = gw_transport_of(handle);
    gw_assert(transport->is_closing && transport->write == NULL && transport->handshake == NULL);
    tls_session_destroy(transport->tls);
    transport->tls = NULL;
    end_proxy_header(transport);
    gw_transport_tunnel_destroy(transport->tunnel);
    gw_blocks_drop(&transport->shared->blocks, &transport->output);
    gw_blocks_drop(&transport->shared->blocks, &transport->wire);
    gw_memory_hold(&transport->shared->memory, &transport->holding, 0);
    transport->events->on_closed(transport);
}

void gw_transport_close(struct gw_transport *transport) {
    if (transport->is_closing)
        return;
    transport->is_closing = true;
    gw_transport_end_handshake(transport);
    uv_close((uv_handle_t *)&transport->tcp, on_tcp_closed);
}

void gw_transport_reset(struct gw_transport *transport) {
    if (transport->is_closing)
        return;
    if (uv_tcp_close_reset(&transport->tcp, on_tcp_closed) != 0) {
        gw_transport_close(transport); // this end has sent FIN already
        return;
    }
    transport->is_closing = true;
    gw_transport_end_handshake(transport);
}

bool gw_transport_is_closing(const struct gw_transport *transport) {
    return transport->is_closing;
}
