// SPDX-License-Identifier: MIT
#pragma once
// A byte stream over TCP, plain or TLS, for whoever speaks HTTP on it: the connections of clients
// and those to the registry. The owner embeds struct gw_transport and gets back to itself with
// gw_container_of.
//
// Writing: bytes collect in an outgoing buffer (gw_transport_output); gw_transport_flush encrypts
// and sends them with one system call where the socket takes them, and queues the rest. Reading:
// plaintext arrives in on_read from a buffer shared by all transports of the loop, valid during the
// call. An idle transport holds no buffer: blocks are borrowed from struct gw_transport_shared
// while bytes wait.
//
// Memory: output is capped at GW_TRANSPORT_OUTPUT_BYTES_MAX; behind it at most one write is in
// flight, of the same size (plain) or of GW_TRANSPORT_SEAL_BYTES_MAX and a little (TLS). An owner
// that stops at the high-water mark stays well below.
//
// Callbacks run from the loop, never inside a call on the transport. After on_error only
// gw_transport_close is useful. The process ignores SIGPIPE.
//
// With an admission queue (gateway/net/handshake_queue.h), what a peer sends during its TLS
// handshake waits for a turn. When too many wait, the newest gets the alert internal_error (RFC
// 8446 section 6.2: the one for a server that cannot go on, through nobody's fault) and
// on_error(GW_INVALID).
//
// Broken TLS: the alert (or, for HTTP in the clear on a TLS port, a plain-text 400) is written,
// then FIN; only then comes on_error(GW_INVALID). A close with unread bytes in the kernel would
// send RST and could take the alert away from the peer, so the transport goes on reading and drops
// what comes. The owner waits for on_end (the peer has gone) or GW_LINGER_TIMEOUT_MS, then closes.

#include <stdbool.h>
#include <uv.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/status.h"
#include "base/str.h"
#include "gateway/net/handshake_queue.h"
#include "gateway/net/proxy_header.h"
#include "tls/context.h"
#include "tls/session.h"

#define GW_TRANSPORT_OUTPUT_BYTES_MAX (2 * GW_CONN_WRITE_HIGH_WATER_BYTES)
#define GW_TRANSPORT_SEAL_BYTES_MAX (64 * 1024) // plaintext encrypted at once

// One per loop: the buffers that transports borrow while they work. Outlives every transport.
struct gw_transport_shared;
enum gw_status gw_transport_shared_create(struct gw_transport_shared **shared) GW_MUST_USE;
void gw_transport_shared_destroy(struct gw_transport_shared *shared);
// From now on the TLS handshakes of accepted connections take turns there. Without it they are done
// as they come.
void gw_transport_shared_admit_by(struct gw_transport_shared *shared,
                                  struct gw_admission *admission);

struct gw_transport;

struct gw_transport_events {
    // The header of the PROXY protocol that gw_transport_expect_proxy_header waits for, before
    // everything else; valid during the call. NULL where none is expected.
    void (*on_proxy_header)(struct gw_transport *transport, const struct gw_proxy_header *header);
    // Ready for plaintext: TCP connected and, with TLS, the handshake done. An accepted plain
    // connection reports it with its first event, just before that on_read or on_end.
    void (*on_open)(struct gw_transport *transport);
    void (*on_read)(struct gw_transport *transport, struct gw_str bytes);
    // The peer will send no more (FIN or close_notify). Writing is still possible. After
    // on_error(GW_INVALID): the peer has gone.
    void (*on_end)(struct gw_transport *transport);
    // Only when a flush left bytes behind (gw_transport_pending_bytes > 0): they fell to
    // GW_CONN_WRITE_LOW_WATER_BYTES or below after having been over GW_CONN_WRITE_HIGH_WATER_BYTES,
    // or everything was sent (pending_bytes == 0).
    void (*on_drain)(struct gw_transport *transport);
    // At most once. GW_CLOSED: reset by the peer, no PROXY header where one has to be, or TLS ended
    // without close_notify (which many clients do between requests: nothing to log); GW_INVALID:
    // broken TLS, see above, linger before closing; GW_SYSTEM; GW_NO_MEMORY; GW_UNAVAILABLE: could
    // not connect.
    void (*on_error)(struct gw_transport *transport, enum gw_status status);
    // Last callback: every handle has closed, the memory is the owner's again.
    void (*on_closed)(struct gw_transport *transport);
};

struct gw_transport {
    uv_tcp_t tcp;
    const struct gw_transport_events *events;
    struct gw_transport_shared *shared;
    struct tls_session *tls;                  // NULL: plain
    struct gw_proxy_header *header;           // NULL: none is expected, or not any more
    struct gw_transport_handshake *handshake; // NULL: over, or takes no turns
    struct gw_buf output;                     // plaintext waiting for the socket
    struct gw_buf wire;                       // ciphertext on its way to the socket (TLS only)
    struct gw_transport_write *write;         // in flight, owns its bytes
    uint64_t handed_bytes;                    // to libuv, since the beginning
    uv_shutdown_t shutdown;
    enum gw_status
        failure; // GW_OK while the stream works; on_error says so as soon as the peer was told
    bool is_connected;
    bool is_open;
    bool is_paused;
    bool is_end_seen; // FIN or close_notify
    bool is_end_reported;
    bool is_write_broken; // the peer takes no more, but may still have sent something
    bool is_shutting_down;
    bool is_fin_sent;
    bool is_error_reported;
    bool is_closing;
    bool was_over_high_water;
};

// `tls` NULL for plain. Initialises the TCP handle; close it in any case afterwards.
enum gw_status gw_transport_init(struct gw_transport *transport, uv_loop_t *loop,
                                 struct gw_transport_shared *shared, struct tls_context *tls,
                                 const struct gw_transport_events *events) GW_MUST_USE;
// Before gw_transport_accept: the peer has to send a PROXY header in front of its bytes, also in
// front of TLS.
enum gw_status gw_transport_expect_proxy_header(struct gw_transport *transport) GW_MUST_USE;
// Takes the next connection of `listener`, which has TCP_NODELAY for all of them, and starts
// reading (or the handshake); on_open or on_error follows.
enum gw_status gw_transport_accept(struct gw_transport *transport,
                                   uv_stream_t *listener) GW_MUST_USE;
// Of a transport that was initialised as plain; `server` (NULL: plain) makes it the client's end of
// a TLS connection, and what it points to is borrowed. on_open, or on_error, follows. `request` is
// the transport's until then, or until on_closed. GW_UNAVAILABLE; GW_SYSTEM: it is this process
// that has no descriptor or memory for it; GW_NO_MEMORY.
enum gw_status gw_transport_connect(struct gw_transport *transport, uv_connect_t *request,
                                    const struct sockaddr *address,
                                    const struct tls_server *server) GW_MUST_USE;
// Inside on_error, before on_open: what went wrong, static, a part of a sentence.
const char *gw_transport_connect_problem(const struct gw_transport *transport);
// At the same time: true when the server was reached and offered to resume a session, which is
// dropped now: without it the same server is worth another attempt.
bool gw_transport_drop_offered_session(struct gw_transport *transport);
enum gw_status gw_transport_peer_address(const struct gw_transport *transport,
                                         struct sockaddr_storage *address) GW_MUST_USE;

// Append plaintext here, then flush, before returning to the loop: while an earlier flush is still
// under way, bytes leave without another one. Before on_open they wait for it. Capped: appends past
// the cap fail with GW_TOO_BIG.
struct gw_buf *gw_transport_output(struct gw_transport *transport);
// Failure is reported through on_error, later.
void gw_transport_flush(struct gw_transport *transport);
// What the kernel has not taken yet; falls as the peer reads. 0 after a flush: all is sent, no
// on_drain follows.
size_t gw_transport_pending_bytes(const struct gw_transport *transport);
// What the peer has acknowledged since the beginning, with the overhead of TLS: grows as it reads,
// also while the kernel takes nothing more from us. A system call; for deadlines.
uint64_t gw_transport_acknowledged_bytes(const struct gw_transport *transport);
// Stops and starts reading from the socket; bytes of TLS records already read may still arrive
// after pause. While paused, neither the end nor a reset of the peer is noticed.
void gw_transport_pause(struct gw_transport *transport);
void gw_transport_resume(struct gw_transport *transport);
// After everything queued: close_notify and FIN. Reading goes on until the peer's end. Output
// appended afterwards is dropped.
void gw_transport_shutdown(struct gw_transport *transport);
// Drops what is queued and closes; on_closed follows. Idempotent.
void gw_transport_close(struct gw_transport *transport);
// The same with a reset: whatever the peer has got so far, it cannot take it for all there was.
void gw_transport_reset(struct gw_transport *transport);
bool gw_transport_is_closing(const struct gw_transport *transport);
