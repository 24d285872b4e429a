// SPDX-License-Identifier: MIT
#include "gateway/net/transport_send.h"
#include "gateway/net/transport_state.h"

#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define WIRE_BYTES_AHEAD_MAX (GW_TRANSPORT_SEAL_BYTES_MAX / 2)

struct gw_transport_write {
    uv_write_t request;
    struct gw_buf bytes;
};

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

// The peer may have sent something before it stopped reading, an early answer for example. That is
// still read, so the error waits for its end.
static void on_write_failed(struct gw_transport *transport, int uv_status) {
    bool is_reading = !transport->is_paused && !transport->is_end_seen;
    if (!is_reading || gw_transport_status_of(uv_status) != GW_CLOSED) {
        gw_transport_lose(transport, uv_status);
        return;
    }
    transport->is_write_broken = true;
    gw_blocks_drop(&transport->shared->blocks, &transport->output);
    gw_blocks_drop(&transport->shared->blocks, &transport->wire);
}

static void on_write(uv_write_t *request, int uv_status) {
    struct gw_transport *transport = gw_transport_of(request->handle);
    struct gw_transport_write *write = transport->write;
    gw_assert(write != NULL && request == &write->request);
    transport->write = NULL;
    gw_blocks_drop(&transport->shared->blocks, &write->bytes);
    free(write);
    if (transport->is_closing)
        return;
    if (uv_status < 0) {
        on_write_failed(transport, uv_status);
        return;
    }
    gw_memory_note_progress(&transport->shared->memory, &transport->holding);
    gw_transport_pump(transport);
    report_drain(transport);
}

// The write takes the memory of `bytes` over.
static enum gw_status start_write(struct gw_transport *transport, struct gw_buf *bytes) {
    struct gw_transport_write *write = malloc(sizeof(*write));
    if (write == NULL)
        return GW_NO_MEMORY;
    write->bytes = *bytes;
    gw_buf_init(bytes, bytes->capacity_max);
    struct gw_str left = gw_buf_bytes(&write->bytes);
    uv_buf_t piece = {.base = write->bytes.memory + write->bytes.start, .len = left.length};
    int code = uv_write(&write->request, gw_transport_stream(transport), &piece, 1, on_write);
    if (code < 0) {
        gw_blocks_drop(&transport->shared->blocks, &write->bytes);
        free(write);
        return gw_transport_status_of(code);
    }
    transport->write = write;
    return GW_OK;
}

// Sends what the socket takes at once. As uv_try_write, but by send(2), because write(2) goes
// through the file layer, a fiftieth of a small request. Errors are left to uv_write, which meets
// them again and reports them from the loop.
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
        gw_transport_fail(transport, status);
        gw_buf_clear(&transport->wire);
    }
}

static void seal(struct gw_transport *transport) {
    gw_assert(transport->is_open);
    struct gw_str plaintext =
        gw_str_slice(gw_buf_bytes(&transport->output), 0, GW_TRANSPORT_SEAL_BYTES_MAX);
    gw_blocks_lend(&transport->shared->blocks, &transport->wire);
    enum gw_status status = tls_session_write(transport->tls, plaintext);
    if (status == GW_OK)
        gw_buf_take(&transport->output, plaintext.length);
    else
        gw_transport_fail(transport, status);
}

// The bytes for the socket; may be empty.
static struct gw_buf *next_bytes(struct gw_transport *transport) {
    if (transport->tls == NULL)
        return &transport->output;
    if (transport->is_open && gw_buf_length(&transport->wire) <= WIRE_BYTES_AHEAD_MAX &&
        gw_buf_length(&transport->output) > 0)
        seal(transport);
    return &transport->wire;
}

static void on_shutdown(uv_shutdown_t *request, int uv_status) {
    (void)uv_status; // reading reports what is wrong with the socket
    struct gw_transport *transport = gw_transport_of(request->handle);
    if (transport->failure != GW_OK)
        gw_transport_report_failure(transport);
}

// After all bytes: close_notify and FIN. A failure that had to wait, because it was met inside a
// call of the owner or because the alert goes first, is reported from on_shutdown.
static void send_fin(struct gw_transport *transport) {
    gw_assert(!transport->is_fin_sent && transport->write == NULL);
    transport->is_fin_sent = true;
    if (transport->tls != NULL && transport->failure == GW_OK) {
        tls_session_close_notify(transport->tls);
        if (gw_buf_length(&transport->wire) > 0)
            transmit(transport, &transport->wire);
    }
    if (uv_shutdown(&transport->shutdown, gw_transport_stream(transport), on_shutdown) < 0 &&
        transport->failure != GW_OK)
        gw_transport_report_failure(transport);
}

static void pump(struct gw_transport *transport) {
    if (transport->is_write_broken || transport->is_fin_sent) {
        gw_blocks_drop(&transport->shared->blocks, &transport->output);
        gw_blocks_drop(&transport->shared->blocks, &transport->wire);
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
    gw_blocks_return_if_empty(&transport->shared->blocks, &transport->output);
    gw_blocks_return_if_empty(&transport->shared->blocks, &transport->wire);
    if (gw_transport_pending_bytes(transport) > GW_CONN_WRITE_HIGH_WATER_BYTES)
        transport->was_over_high_water = true;
}

// Blocks, not bytes: that is what they cost.
static void count_held(struct gw_transport *transport) {
    size_t in_flight = transport->write != NULL ? transport->write->bytes.capacity : 0;
    gw_memory_hold(&transport->shared->memory, &transport->holding,
                   transport->output.capacity + transport->wire.capacity + in_flight +
                       transport->owner_bytes);
}

void gw_transport_pump(struct gw_transport *transport) {
    if (!transport->is_connected || transport->is_closing)
        return;
    pump(transport);
    count_held(transport);
}

void gw_transport_hold(struct gw_transport *transport, size_t bytes) {
    if (transport->owner_bytes == bytes || transport->is_closing)
        return;
    transport->owner_bytes = bytes;
    count_held(transport);
}

struct gw_buf *gw_transport_output(struct gw_transport *transport) {
    gw_blocks_lend(&transport->shared->blocks, &transport->output);
    return &transport->output;
}

void gw_transport_flush(struct gw_transport *transport) {
    if (transport->failure != GW_OK || transport->is_shutting_down)
        gw_blocks_drop(&transport->shared->blocks, &transport->output);
    else
        gw_transport_pump(transport);
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
    gw_transport_pump(transport);
}
