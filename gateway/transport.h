// SPDX-License-Identifier: MIT
#pragma once
// A byte stream over TCP, plain or TLS, for whoever speaks HTTP on it: the connections of clients and those to the
// registry. The owner embeds struct gw_transport and gets back to itself with gw_container_of.
//
// Writing: bytes collect in an outgoing buffer (gw_transport_output); gw_transport_flush encrypts and sends them
// with one system call where the socket takes them, and queues the rest. Reading: plaintext arrives in on_read from a buffer shared by
// all transports of the loop, valid during the call. An idle transport holds no buffer.
//
// Callbacks run from the loop, never inside a call on the transport. After on_error only gw_transport_close is useful.

#include <stdbool.h>
#include <uv.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "tls/context.h"
#include "tls/session.h"

// One per loop: the buffers that transports borrow while they work. Outlives every transport.
struct gw_transport_shared;
enum gw_status gw_transport_shared_create(struct gw_transport_shared **shared) GW_MUST_USE;
void gw_transport_shared_destroy(struct gw_transport_shared *shared);

struct gw_transport;

struct gw_transport_events {
    // Ready for plaintext: TCP connected and, with TLS, the handshake done.
    void (*on_open)(struct gw_transport *transport);
    void (*on_read)(struct gw_transport *transport, struct gw_str bytes);
    // The peer will send no more (FIN or close_notify). Writing is still possible.
    void (*on_end)(struct gw_transport *transport);
    // Queued bytes fell to GW_CONN_WRITE_LOW_WATER_BYTES or below after having been over
    // GW_CONN_WRITE_HIGH_WATER_BYTES, or everything queued was sent (pending_bytes == 0).
    void (*on_drain)(struct gw_transport *transport);
    // GW_CLOSED: reset by the peer or closed in the middle of TLS; GW_INVALID: broken TLS (an alert was sent);
    // GW_SYSTEM; GW_NO_MEMORY; GW_UNAVAILABLE: could not connect.
    void (*on_error)(struct gw_transport *transport, enum gw_status status);
    // Last callback: every handle has closed, the memory is the owner's again.
    void (*on_closed)(struct gw_transport *transport);
};

struct gw_transport {
    uv_tcp_t tcp;
    const struct gw_transport_events *events;
    struct gw_transport_shared *shared;
    struct tls_session *tls; // NULL: plain
    struct gw_buf output;    // plaintext waiting for flush
    struct gw_buf wire;      // ciphertext waiting for the socket (TLS only)
    struct gw_transport_write *write; // in flight, owns its bytes
    size_t pending_bytes;             // accepted by flush, not yet taken by the kernel
    bool is_open, is_reading, is_ended, is_closing, is_shutting_down, was_over_high_water;
    uv_shutdown_t shutdown;
};

// `tls` NULL for plain. Initialises the TCP handle; close it in any case afterwards.
enum gw_status gw_transport_init(struct gw_transport *transport, uv_loop_t *loop,
                                 struct gw_transport_shared *shared, struct tls_context *tls,
                                 const struct gw_transport_events *events) GW_MUST_USE;
// Takes the next connection of `listener` and starts reading (or the handshake); on_open follows.
enum gw_status gw_transport_accept(struct gw_transport *transport, uv_stream_t *listener) GW_MUST_USE;
// on_open or on_error follows.
enum gw_status gw_transport_connect(struct gw_transport *transport, uv_connect_t *request,
                                    const struct sockaddr *address) GW_MUST_USE;

// Append plaintext here, then flush. Capped: appends past the cap fail with GW_TOO_BIG.
static inline struct gw_buf *gw_transport_output(struct gw_transport *transport) {
    return &transport->output;
}
// Failure is reported through on_error, later.
void gw_transport_flush(struct gw_transport *transport);
static inline size_t gw_transport_pending_bytes(const struct gw_transport *transport) {
    return transport->pending_bytes + gw_buf_length(&transport->output);
}
// Stops and starts reading from the socket; bytes of a TLS record already read may still arrive after pause.
void gw_transport_pause(struct gw_transport *transport);
void gw_transport_resume(struct gw_transport *transport);
// After everything queued: close_notify and FIN. Reading goes on until the peer's end.
void gw_transport_shutdown(struct gw_transport *transport);
// Drops what is queued and closes; on_closed follows. Idempotent.
void gw_transport_close(struct gw_transport *transport);
bool gw_transport_is_closing(const struct gw_transport *transport);
