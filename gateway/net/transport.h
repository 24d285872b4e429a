// SPDX-License-Identifier: MIT
#pragma once
// A byte stream over TCP, plain or TLS, under the connections of clients and those to the registry.
// The owner embeds struct gw_transport and gets back to itself with gw_container_of.
//
// Writing (transport_send.h): bytes collect in an outgoing buffer; a flush encrypts and sends them
// with one system call where the socket takes them, and queues the rest. Reading: plaintext arrives
// in on_read from a buffer shared by all transports of the loop, valid during the call. An idle
// transport holds no buffer: it borrows blocks (blocks.h) while bytes wait.
//
// Memory: output is capped at GW_TRANSPORT_OUTPUT_BYTES_MAX; behind it at most one write is in
// flight, of the same size (plain) or of GW_TRANSPORT_SEAL_BYTES_MAX and a little (TLS). An owner
// that stops at the high-water mark stays well below.
//
// Callbacks run from the loop, never inside a call on the transport. After on_error only
// gw_transport_close is useful. The process ignores SIGPIPE.
//
// With a handshake queue (gateway/net/handshake_queue.h), the bytes of a TLS handshake wait for a
// turn. When too many wait, the newest gets the alert internal_error (RFC 8446 section 6.2: the
// server cannot go on, through no fault of the client) and on_error(GW_INVALID).
//
// Broken TLS: the alert (or, for HTTP in the clear on a TLS port, a plain-text 400) is written,
// then FIN; only then comes on_error(GW_INVALID). A close with unread bytes in the kernel would
// send RST, and the peer could lose the alert to it, so the transport goes on reading and drops the
// bytes. The owner waits for on_end (the peer has gone) or GW_LINGER_TIMEOUT_MS, then closes.

#include <stdbool.h>
#include <uv.h>

#include "base/status.h"
#include "gateway/net/transport_send.h"
#include "gateway/net/transport_state.h"
#include "tls/client_context.h"
#include "tls/context.h"

// One for each loop: the buffers that transports borrow while they work. Outlives every transport.
enum gw_status gw_transport_shared_create(struct gw_transport_shared **shared) GW_MUST_USE;
void gw_transport_shared_destroy(struct gw_transport_shared *shared);
// From now on the TLS handshakes of accepted connections take turns in the queue; without one they
// are done as they come.
void gw_transport_shared_set_queue(struct gw_transport_shared *shared,
                                   struct gw_handshake_queue *queue);
// All transports together hold no more than that for peers that do not take it (memory.h); over it,
// some end with on_error(GW_NO_MEMORY). 0, as without this call: no bound.
void gw_transport_shared_set_memory_max(struct gw_transport_shared *shared, size_t max_bytes,
                                        struct gw_metrics *metrics);
// Read no more ahead for a peer than GW_CONN_READ_BYTES.
bool gw_transport_shared_is_tight(const struct gw_transport_shared *shared);

// `tls` NULL for plain. Initialises the TCP handle; close it in any case afterwards.
enum gw_status gw_transport_init(struct gw_transport *transport, uv_loop_t *loop,
                                 struct gw_transport_shared *shared, struct tls_context *tls,
                                 const struct gw_transport_events *events) GW_MUST_USE;
// Before gw_transport_accept: the peer must send a PROXY header before its bytes, also before TLS.
enum gw_status gw_transport_expect_proxy_header(struct gw_transport *transport) GW_MUST_USE;
// Takes the next connection of `listener`, which has TCP_NODELAY for all of them, and starts
// reading (or the handshake); on_open or on_error follows.
enum gw_status gw_transport_accept(struct gw_transport *transport,
                                   uv_stream_t *listener) GW_MUST_USE;
// Before gw_transport_connect, with a server: its address is that of an HTTP proxy, which is sent
// `request`, a CONNECT (gateway/net/transport_tunnel.h). The handshake follows a 2xx; any other
// answer is on_error(GW_UNAVAILABLE). GW_NO_MEMORY.
enum gw_status gw_transport_expect_tunnel(struct gw_transport *transport,
                                          struct gw_str request) GW_MUST_USE;
// Of a transport that was initialised as plain; `server` (NULL: plain), which is borrowed, makes it
// the client's end of a TLS connection. on_open or on_error follows; `request` is the transport's
// until then, or until on_closed. GW_UNAVAILABLE; GW_SYSTEM: this process lacks a descriptor or
// memory; GW_NO_MEMORY.
enum gw_status gw_transport_connect(struct gw_transport *transport, uv_connect_t *request,
                                    const struct sockaddr *address,
                                    const struct tls_server *server) GW_MUST_USE;
// Inside on_error, before on_open: why, static, part of a sentence.
const char *gw_transport_connect_problem(const struct gw_transport *transport);
// Before on_open, when the owner waits no longer: what it waited for, static, part of a sentence.
const char *gw_transport_connect_delay(const struct gw_transport *transport);
// Inside on_error, before on_open: true when the server was reached and refused a session that it
// was to resume. The session is dropped, and the same server is worth another attempt.
bool gw_transport_drop_offered_session(struct gw_transport *transport);
// With TLS: this many records under one key are enough (tls_session_is_worn). What is under way may
// end, and nothing should begin any more.
bool gw_transport_is_worn(const struct gw_transport *transport);
// Its descriptor has `descriptors_max` or a higher number; 0: no limit.
bool gw_transport_is_over(const struct gw_transport *transport, int descriptors_max);
enum gw_status gw_transport_peer_address(const struct gw_transport *transport,
                                         struct sockaddr_storage *address) GW_MUST_USE;

// Stops and starts reading from the socket; bytes of TLS records already read may still arrive
// after pause. While paused, neither the end nor a reset of the peer is noticed.
void gw_transport_pause(struct gw_transport *transport);
void gw_transport_resume(struct gw_transport *transport);
// Drops what is queued and closes; on_closed follows. Idempotent.
void gw_transport_close(struct gw_transport *transport);
// The same with a reset, so that the peer cannot take what it has got for the whole.
void gw_transport_reset(struct gw_transport *transport);
bool gw_transport_is_closing(const struct gw_transport *transport);
