// SPDX-License-Identifier: MIT
// How bytes leave: output -> (TLS: sealed into wire) -> send_now -> what the socket did not
// take becomes the one write in flight, and the loop starts again when that is done. Everything
// that sends ends in pump().
//
// How bytes come in: receive() -> (TLS: receive_ciphertext, through the session) -> on_read. During
// a handshake that takes turns, they collect in struct gw_transport_handshake first, and the turn
// does the rest.
#include "gateway/net/transport.h"

#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "tls/hello.h"

// One full TLS record, so that a steady request and response needs one block and no malloc.
#define BLOCK_BYTES (16 * 1024 + 512)
#define BLOCKS_KEPT_MAX 64
// Holds a sealed round and what TLS itself says before it, a ticket for example: both leave
// together.
#define WIRE_BYTES_MAX (2 * GW_TRANSPORT_SEAL_BYTES_MAX)
#define WIRE_BYTES_AHEAD_MAX (GW_TRANSPORT_SEAL_BYTES_MAX / 2)
#define RECORD_BYTES_MAX (16 * 1024)
// What one read adds to what may be there before reading stops.
#define HANDSHAKE_BYTES_MAX (2 * GW_CONN_READ_BYTES)

struct gw_transport_shared {
    struct gw_admission *admission; // NULL: handshakes take no turns
    char *blocks[BLOCKS_KEPT_MAX];
    size_t block_count;
    char received[GW_CONN_READ_BYTES];
    char plaintext[RECORD_BYTES_MAX];
};

struct gw_transport_write {
    uv_write_t request;
    struct gw_buf bytes;
};

// A handshake that takes turns: what has come since the last one.
struct gw_transport_handshake {
    struct gw_admission_turn turn;
    struct gw_transport *transport;
    struct gw_buf bytes;
    bool has_begun; // had a turn
    bool has_ended; // behind these bytes the peer has sent FIN
};

static const char tls_only_answer[] = "HTTP/1.1 400 Bad Request\r\n"
                                      "Content-Type: text/plain; charset=utf-8\r\n"
                                      "Content-Length: 35\r\n"
                                      "Connection: close\r\n"
                                      "\r\n"
                                      "This port speaks TLS; use https://\n";

enum gw_status gw_transport_shared_create(struct gw_transport_shared **shared) {
    struct gw_transport_shared *created = malloc(sizeof(*created));
    if (created == NULL)
        return GW_NO_MEMORY;
    created->block_count = 0;
    created->admission = NULL;
    *shared = created;
    return GW_OK;
}

void gw_transport_shared_admit_by(struct gw_transport_shared *shared,
                                  struct gw_admission *admission) {
    shared->admission = admission;
}

void gw_transport_shared_destroy(struct gw_transport_shared *shared) {
    if (shared == NULL)
        return;
    while (shared->block_count > 0)
        free(shared->blocks[--shared->block_count]);
    free(shared);
}

// Without memory the buffer tries for itself, in smaller steps, and fails where it is appended to.
static void lend_block(struct gw_transport_shared *shared, struct gw_buf *buf) {
    if (buf->memory != NULL)
        return;
    char *block =
        shared->block_count > 0 ? shared->blocks[--shared->block_count] : malloc(BLOCK_BYTES);
    if (block != NULL)
        gw_buf_adopt(buf, block, BLOCK_BYTES);
}

static void return_block(struct gw_transport_shared *shared, struct gw_buf *buf) {
    size_t bytes;
    char *block = gw_buf_release(buf, &bytes);
    if (bytes == BLOCK_BYTES && shared->block_count < BLOCKS_KEPT_MAX)
        shared->blocks[shared->block_count++] = block;
    else
        free(block);
}

static void return_block_if_empty(struct gw_transport_shared *shared, struct gw_buf *buf) {
    if (gw_buf_length(buf) == 0)
        return_block(shared, buf);
}

static void drop_bytes(struct gw_transport_shared *shared, struct gw_buf *buf) {
    gw_buf_clear(buf);
    return_block(shared, buf);
}

static struct gw_transport *transport_of(const void *handle) {
    return ((const uv_handle_t *)handle)->data;
}

static uv_stream_t *stream_of(struct gw_transport *transport) {
    return (uv_stream_t *)&transport->tcp;
}

static enum gw_status status_of(int uv_status) {
    switch (uv_status) {
    case UV_ECONNRESET:
    case UV_EPIPE:
    case UV_ETIMEDOUT:
    case UV_ENOTCONN:
    case UV_EHOSTUNREACH:
    case UV_ENETUNREACH:
        return GW_CLOSED;
    case UV_ENOMEM:
        return GW_NO_MEMORY;
    default:
        return GW_SYSTEM;
    }
}

enum gw_status gw_transport_init(struct gw_transport *transport, uv_loop_t *loop,
                                 struct gw_transport_shared *shared, struct tls_context *tls,
                                 const struct gw_transport_events *events) {
    *transport = (struct gw_transport){.events = events, .shared = shared};
    gw_buf_init(&transport->output, GW_TRANSPORT_OUTPUT_BYTES_MAX);
    gw_buf_init(&transport->wire, WIRE_BYTES_MAX);
    int code = uv_tcp_init(loop, &transport->tcp);
    gw_assert(code == 0); // without a socket there is nothing that could fail
    transport->tcp.data = transport;
    if (tls == NULL)
        return GW_OK;
    return tls_session_create(tls, &transport->wire, &transport->tls);
}

// Errors and ends, to the owner.

static void report_end(struct gw_transport *transport) {
    if (transport->is_closing || transport->is_end_reported)
        return;
    transport->is_end_reported = true;
    transport->events->on_end(transport);
}

static void report_failure(struct gw_transport *transport) {
    if (transport->is_closing || transport->is_error_reported)
        return;
    transport->is_error_reported = true;
    transport->events->on_error(transport, transport->failure);
    if (transport->is_end_seen && transport->failure == GW_INVALID)
        report_end(transport); // the owner lingers for it
}

// It is done, or will come to nothing.
static void end_handshake(struct gw_transport *transport) {
    struct gw_transport_handshake *handshake = transport->handshake;
    if (handshake == NULL)
        return;
    transport->handshake = NULL;
    gw_admission_leave(transport->shared->admission, &handshake->turn);
    gw_buf_deinit(&handshake->bytes);
    free(handshake);
}

static void set_failure(struct gw_transport *transport, enum gw_status status) {
    end_handshake(transport);
    if (transport->failure == GW_OK)
        transport->failure = status;
    drop_bytes(transport->shared, &transport->output);
}

// The socket is of no use any more: there is nobody to tell but the owner, and nothing to linger
// for.
static void lose(struct gw_transport *transport, int uv_status) {
    (void)uv_read_stop(stream_of(transport));
    transport->is_end_seen = true;
    set_failure(transport, status_of(uv_status));
    drop_bytes(transport->shared, &transport->wire);
    if (transport->is_error_reported)
        report_end(transport);
    else
        report_failure(transport);
}

// Sending.

static void pump(struct gw_transport *transport);

static void report_drain(struct gw_transport *transport) {
    if (transport->failure != GW_OK || transport->is_write_broken)
        return;
    size_t pending = gw_transport_pending_bytes(transport);
    bool fell = transport->was_over_high_water && pending <= GW_CONN_WRITE_LOW_WATER_BYTES;
    if (fell)
        transport->was_over_high_water = false;
    if (fell || pending == 0)
        transport->events->on_drain(transport);
}

// What the peer sent before it stopped to take may still be unread, an early answer for example.
// Reading finds the end of it, so the error waits for that.
static void on_write_failed(struct gw_transport *transport, int uv_status) {
    bool is_reading = !transport->is_paused && !transport->is_end_seen;
    if (!is_reading || status_of(uv_status) != GW_CLOSED) {
        lose(transport, uv_status);
        return;
    }
    transport->is_write_broken = true;
    drop_bytes(transport->shared, &transport->output);
    drop_bytes(transport->shared, &transport->wire);
}

static void on_write(uv_write_t *request, int uv_status) {
    struct gw_transport *transport = transport_of(request->handle);
    struct gw_transport_write *write = transport->write;
    transport->write = NULL;
    drop_bytes(transport->shared, &write->bytes);
    free(write);
    if (transport->is_closing)
        return;
    if (uv_status < 0) {
        on_write_failed(transport, uv_status);
        return;
    }
    pump(transport);
    report_drain(transport);
}

// The write takes the block with the bytes away from `bytes`.
static enum gw_status start_write(struct gw_transport *transport, struct gw_buf *bytes) {
    struct gw_transport_write *write = malloc(sizeof(*write));
    if (write == NULL)
        return GW_NO_MEMORY;
    write->bytes = *bytes;
    gw_buf_init(bytes, bytes->capacity_max);
    struct gw_str left = gw_buf_bytes(&write->bytes);
    uv_buf_t piece = {.base = write->bytes.memory + write->bytes.start, .len = left.length};
    int code = uv_write(&write->request, stream_of(transport), &piece, 1, on_write);
    if (code < 0) {
        drop_bytes(transport->shared, &write->bytes);
        free(write);
        return status_of(code);
    }
    transport->write = write;
    return GW_OK;
}

// What the socket takes at once. As uv_try_write, but by send(2): write(2) takes the way of files
// first, which costs a fiftieth of a small request. An error is not looked at: uv_write meets it
// again and reports it from the loop.
static size_t send_now(struct gw_transport *transport, struct gw_str bytes) {
    uv_os_fd_t fd;
    gw_assert(transport->is_connected && transport->write == NULL);
    if (uv_fileno((const uv_handle_t *)&transport->tcp, &fd) != 0)
        return 0;
    ssize_t taken = send(fd, bytes.at, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    return taken > 0 ? (size_t)taken : 0;
}

static void transmit(struct gw_transport *transport, struct gw_buf *bytes) {
    struct gw_str left = gw_buf_bytes(bytes);
    transport->handed_bytes += left.length;
    size_t taken = send_now(transport, left);
    if (taken > 0)
        gw_buf_take(bytes, taken);
    if (gw_buf_length(bytes) == 0)
        return;
    enum gw_status status = start_write(transport, bytes);
    if (status != GW_OK) {
        set_failure(transport, status);
        gw_buf_clear(&transport->wire);
    }
}

static void seal(struct gw_transport *transport) {
    struct gw_str plaintext =
        gw_str_slice(gw_buf_bytes(&transport->output), 0, GW_TRANSPORT_SEAL_BYTES_MAX);
    lend_block(transport->shared, &transport->wire);
    enum gw_status status = tls_session_write(transport->tls, plaintext);
    if (status == GW_OK)
        gw_buf_take(&transport->output, plaintext.length);
    else
        set_failure(transport, status);
}

// What the socket gets next; may be empty.
static struct gw_buf *next_bytes(struct gw_transport *transport) {
    if (transport->tls == NULL)
        return &transport->output;
    if (transport->is_open && gw_buf_length(&transport->wire) <= WIRE_BYTES_AHEAD_MAX &&
        gw_buf_length(&transport->output) > 0)
        seal(transport);
    return &transport->wire;
}

static void on_shutdown(uv_shutdown_t *request, int uv_status) {
    (void)uv_status; // reading tells what is wrong with the socket
    struct gw_transport *transport = transport_of(request->handle);
    if (transport->failure != GW_OK)
        report_failure(transport);
}

// Everything was handed to the socket: close_notify and FIN. A failure that could not be told at
// once, because an owner's call met it, or not before the alert was out, is told from on_shutdown.
static void send_fin(struct gw_transport *transport) {
    transport->is_fin_sent = true;
    if (transport->tls != NULL && transport->failure == GW_OK) {
        tls_session_close_notify(transport->tls);
        if (gw_buf_length(&transport->wire) > 0)
            transmit(transport, &transport->wire);
    }
    if (uv_shutdown(&transport->shutdown, stream_of(transport), on_shutdown) < 0 &&
        transport->failure != GW_OK)
        report_failure(transport);
}

static void pump(struct gw_transport *transport) {
    if (!transport->is_connected || transport->is_closing)
        return;
    if (transport->is_write_broken || transport->is_fin_sent) {
        drop_bytes(transport->shared, &transport->output);
        drop_bytes(transport->shared, &transport->wire);
        return;
    }
    while (transport->write == NULL) {
        struct gw_buf *bytes = next_bytes(transport);
        if (gw_buf_length(bytes) == 0)
            break;
        transmit(transport, bytes);
    }
    if (transport->write == NULL && (transport->is_shutting_down || transport->failure != GW_OK))
        send_fin(transport);
    return_block_if_empty(transport->shared, &transport->output);
    return_block_if_empty(transport->shared, &transport->wire);
    if (gw_transport_pending_bytes(transport) > GW_CONN_WRITE_HIGH_WATER_BYTES)
        transport->was_over_high_water = true;
}

struct gw_buf *gw_transport_output(struct gw_transport *transport) {
    lend_block(transport->shared, &transport->output);
    return &transport->output;
}

void gw_transport_flush(struct gw_transport *transport) {
    if (transport->failure != GW_OK || transport->is_shutting_down)
        drop_bytes(transport->shared, &transport->output);
    else
        pump(transport);
}

size_t gw_transport_pending_bytes(const struct gw_transport *transport) {
    return gw_buf_length(&transport->output) + gw_buf_length(&transport->wire) +
           uv_stream_get_write_queue_size((const uv_stream_t *)&transport->tcp);
}

uint64_t gw_transport_acknowledged_bytes(const struct gw_transport *transport) {
    const uv_stream_t *stream = (const uv_stream_t *)&transport->tcp;
    uv_os_fd_t fd;
    int in_kernel = 0;
    if (uv_fileno((const uv_handle_t *)stream, &fd) == 0)
        (void)ioctl(fd, SIOCOUTQ, &in_kernel);
    return transport->handed_bytes - uv_stream_get_write_queue_size(stream) - (uint64_t)in_kernel;
}

void gw_transport_shutdown(struct gw_transport *transport) {
    if (transport->is_shutting_down || transport->failure != GW_OK)
        return;
    transport->is_shutting_down = true;
    pump(transport);
}

// Receiving.

static void announce_open(struct gw_transport *transport) {
    if (transport->is_open)
        return;
    transport->is_open = true;
    transport->events->on_open(transport);
}

// The peer is told first; see the head of the header.
static void fail_session(struct gw_transport *transport, enum gw_status status) {
    set_failure(transport, status == GW_CANCELLED ? GW_CLOSED : status);
    gw_transport_resume(transport);
    if (transport->is_fin_sent || transport->is_write_broken)
        report_failure(transport);
    else
        pump(transport);
}

// True when plaintext may be read. The last words of a handshake then wait for what is said to what
// the peer has sent with its own, or for the caller's pump(): a system call and a packet less for
// each new connection.
static bool shake_hands(struct gw_transport *transport) {
    lend_block(transport->shared, &transport->wire);
    enum gw_status status = tls_session_handshake(transport->tls);
    if (status != GW_OK && status != GW_WANT_INPUT) {
        if (tls_session_peer_spoke_http(transport->tls))
            (void)!gw_buf_append(&transport->wire, tls_only_answer, sizeof(tls_only_answer) - 1);
        fail_session(transport, status);
        return false;
    }
    if (status == GW_OK) {
        end_handshake(transport);
        announce_open(transport);
    }
    bool is_ready = transport->is_open && !transport->is_closing && transport->failure == GW_OK;
    if (!is_ready)
        pump(transport);
    return is_ready;
}

static void receive_ciphertext(struct gw_transport *transport, struct gw_str bytes) {
    tls_session_feed(transport->tls, bytes);
    if (!transport->is_open && !shake_hands(transport))
        return;
    enum gw_status status;
    for (;;) {
        size_t length = 0;
        status = tls_session_read(transport->tls, transport->shared->plaintext, RECORD_BYTES_MAX,
                                  &length);
        if (status != GW_OK)
            break;
        transport->events->on_read(transport, gw_str(transport->shared->plaintext, length));
        if (transport->is_closing || transport->failure != GW_OK)
            return;
    }
    if (status != GW_WANT_INPUT && status != GW_CLOSED) {
        fail_session(transport, status);
        return;
    }
    if (gw_buf_length(&transport->wire) > 0)
        pump(transport);
    if (status == GW_CLOSED && transport->failure == GW_OK) {
        transport->is_end_seen = true;
        report_end(transport);
    }
}

static void receive_end(struct gw_transport *transport);

static void on_turn(struct gw_admission_turn *turn) {
    struct gw_transport_handshake *handshake =
        gw_container_of(turn, struct gw_transport_handshake, turn);
    struct gw_transport *transport = handshake->transport;
    struct gw_buf bytes = handshake->bytes; // it may end inside
    bool has_ended = handshake->has_ended;
    gw_buf_init(&handshake->bytes, HANDSHAKE_BYTES_MAX);
    handshake->has_begun = true;
    receive_ciphertext(transport, gw_buf_bytes(&bytes));
    gw_buf_deinit(&bytes);
    if (has_ended && !transport->is_closing)
        receive_end(transport);
    else if (!transport->is_paused && !transport->is_end_seen)
        gw_transport_resume(transport); // wait_for_turn may have stopped it
}

static void refuse_handshake(struct gw_transport *transport) {
    lend_block(transport->shared, &transport->wire);
    tls_session_refuse(transport->tls);
    fail_session(transport, GW_INVALID);
}

// Asks for a turn as soon as there is something to do in it.
static enum gw_status ask_for_turn(struct gw_transport *transport) {
    struct gw_transport_handshake *handshake = transport->handshake;
    struct gw_admission *admission = transport->shared->admission;
    struct tls_hello hello;
    if (handshake->has_begun) {
        gw_admission_go_on(admission, &handshake->turn);
        return GW_OK;
    }
    if (!gw_list_is_empty(&handshake->turn.link))
        return GW_OK; // a peer that says more before it was answered
    switch (tls_hello_read(gw_buf_bytes(&handshake->bytes), &hello)) {
    case GW_WANT_INPUT:
        return GW_OK;
    case GW_INVALID:
        on_turn(&handshake->turn); // refused at the first byte
        return GW_OK;
    default:
        return gw_admission_begin(admission, &handshake->turn,
                                  hello.may_resume ? GW_ADMISSION_SHORT : GW_ADMISSION_FULL);
    }
}

static void wait_for_turn(struct gw_transport *transport, struct gw_str bytes) {
    struct gw_transport_handshake *handshake = transport->handshake;
    enum gw_status status = gw_buf_append_str(&handshake->bytes, bytes);
    if (status == GW_OK && gw_buf_length(&handshake->bytes) > TLS_HELLO_BYTES_MAX)
        (void)uv_read_stop(stream_of(transport));
    if (status == GW_OK)
        status = ask_for_turn(transport);
    if (status == GW_TOO_BIG)
        refuse_handshake(transport);
    else if (status != GW_OK)
        fail_session(transport, status);
}

static void end_proxy_header(struct gw_transport *transport) {
    free(transport->header);
    transport->header = NULL;
}

// Takes the header off the front of *bytes; true when what follows it may be looked at.
static bool take_proxy_header(struct gw_transport *transport, struct gw_str *bytes) {
    size_t consumed = 0;
    enum gw_status status = gw_proxy_header_feed(transport->header, *bytes, &consumed);
    *bytes = gw_str_slice(*bytes, consumed, bytes->length);
    if (status == GW_WANT_INPUT)
        return false;
    if (status != GW_OK) {
        lose(transport, UV_ECONNRESET);
        return false;
    }
    transport->events->on_proxy_header(transport, transport->header);
    end_proxy_header(transport);
    return !transport->is_closing && bytes->length > 0;
}

static void receive(struct gw_transport *transport, struct gw_str bytes) {
    if (transport->failure != GW_OK)
        return;
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
    announce_open(transport);
    if (!transport->is_closing && transport->failure == GW_OK)
        transport->events->on_read(transport, bytes);
}

// The last flight may have the whole request behind it: it is read first. A hello is not worth its
// turn any more.
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
            report_end(transport);
        return;
    }
    if (is_cut || transport->is_write_broken) {
        lose(transport, UV_ECONNRESET);
        return;
    }
    if (transport->tls == NULL)
        announce_open(transport);
    report_end(transport);
}

static void on_tcp_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    (void)suggested;
    struct gw_transport *transport = transport_of(handle);
    *buf = (uv_buf_t){.base = transport->shared->received, .len = GW_CONN_READ_BYTES};
}

static void on_tcp_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buf) {
    struct gw_transport *transport = transport_of(stream);
    if (transport->is_closing || length == 0)
        return;
    if (length > 0)
        receive(transport, gw_str(buf->base, (size_t)length));
    else if (length == UV_EOF)
        receive_end(transport);
    else
        lose(transport, (int)length);
}

static enum gw_status start_reading(struct gw_transport *transport) {
    int code = uv_read_start(stream_of(transport), on_tcp_allocate, on_tcp_read);
    return code == 0 || code == UV_EALREADY ? GW_OK : status_of(code);
}

void gw_transport_pause(struct gw_transport *transport) {
    if (transport->is_closing || transport->failure != GW_OK)
        return;
    transport->is_paused = true;
    (void)uv_read_stop(stream_of(transport));
}

void gw_transport_resume(struct gw_transport *transport) {
    transport->is_paused = false;
    // Fails only on a socket that reading has already reported on.
    if (transport->is_connected && !transport->is_closing && !transport->is_write_broken)
        (void)!start_reading(transport);
}

// Opening and closing.

static enum gw_status begin_handshake(struct gw_transport *transport) {
    struct gw_transport_handshake *handshake = malloc(sizeof(*handshake));
    if (handshake == NULL)
        return GW_NO_MEMORY;
    *handshake = (struct gw_transport_handshake){.transport = transport};
    gw_admission_turn_init(&handshake->turn, on_turn);
    gw_buf_init(&handshake->bytes, HANDSHAKE_BYTES_MAX);
    transport->handshake = handshake;
    return GW_OK;
}

enum gw_status gw_transport_expect_proxy_header(struct gw_transport *transport) {
    transport->header = malloc(sizeof(*transport->header));
    if (transport->header == NULL)
        return GW_NO_MEMORY;
    gw_proxy_header_init(transport->header);
    return GW_OK;
}

enum gw_status gw_transport_accept(struct gw_transport *transport, uv_stream_t *listener) {
    int code = uv_accept(listener, stream_of(transport));
    if (code < 0)
        return status_of(code);
    transport->is_connected = true;
    if (transport->tls != NULL && transport->shared->admission != NULL &&
        begin_handshake(transport) != GW_OK)
        return GW_NO_MEMORY;
    return start_reading(transport);
}

static void on_connect(uv_connect_t *request, int uv_status) {
    struct gw_transport *transport = transport_of(request->handle);
    if (transport->is_closing)
        return;
    if (uv_status < 0) {
        set_failure(transport, GW_UNAVAILABLE);
        report_failure(transport);
        return;
    }
    transport->is_connected = true;
    (void)uv_tcp_nodelay(&transport->tcp, 1);
    if (transport->tls == NULL)
        announce_open(transport);
    else
        (void)shake_hands(transport);
    if (transport->is_closing)
        return;
    if (!transport->is_paused && start_reading(transport) != GW_OK) {
        set_failure(transport, GW_SYSTEM);
        report_failure(transport);
        return;
    }
    pump(transport);
}

// Not the fault of who should be connected to.
static bool is_own_shortage(int uv_status) {
    return uv_status == UV_EMFILE || uv_status == UV_ENFILE || uv_status == UV_ENOBUFS ||
           uv_status == UV_ENOMEM;
}

enum gw_status gw_transport_connect(struct gw_transport *transport, uv_connect_t *request,
                                    const struct sockaddr *address,
                                    const struct tls_server *server) {
    gw_assert(transport->tls == NULL);
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
    if (!transport->is_connected)
        return "could not connect";
    const char *problem =
        transport->tls != NULL ? tls_session_certificate_problem(transport->tls) : NULL;
    return problem != NULL ? problem : "the TLS handshake failed";
}

bool gw_transport_drop_offered_session(struct gw_transport *transport) {
    return transport->is_connected && transport->tls != NULL &&
           tls_session_drop_offered(transport->tls);
}

enum gw_status gw_transport_peer_address(const struct gw_transport *transport,
                                         struct sockaddr_storage *address) {
    struct sockaddr_storage found = {0};
    int length = sizeof(found);
    int code = uv_tcp_getpeername(&transport->tcp, (struct sockaddr *)&found, &length);
    if (code < 0)
        return status_of(code);
    *address = found;
    return GW_OK;
}

static void on_tcp_closed(uv_handle_t *handle) {
    struct gw_transport *transport = transport_of(handle);
    gw_assert(transport->write == NULL);
    tls_session_destroy(transport->tls);
    transport->tls = NULL;
    end_proxy_header(transport);
    drop_bytes(transport->shared, &transport->output);
    drop_bytes(transport->shared, &transport->wire);
    transport->events->on_closed(transport);
}

void gw_transport_close(struct gw_transport *transport) {
    if (transport->is_closing)
        return;
    transport->is_closing = true;
    end_handshake(transport);
    uv_close((uv_handle_t *)&transport->tcp, on_tcp_closed);
}

void gw_transport_reset(struct gw_transport *transport) {
    if (transport->is_closing)
        return;
    if (uv_tcp_close_reset(&transport->tcp, on_tcp_closed) != 0) {
        gw_transport_close(transport); // our side has ended already
        return;
    }
    transport->is_closing = true;
    end_handshake(transport);
}

bool gw_transport_is_closing(const struct gw_transport *transport) {
    return transport->is_closing;
}
