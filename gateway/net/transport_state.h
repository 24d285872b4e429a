// SPDX-License-Identifier: MIT
#pragma once
// The state of a transport (gateway/net/transport.h), and what it reports to its owner. Above it:
// transport_send.h, then transport_tls.h, then transport.h.

#include <stdbool.h>
#include <uv.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "gateway/net/blocks.h"
#include "gateway/net/handshake_queue.h"
#include "gateway/net/memory.h"
#include "gateway/net/proxy_header.h"
#include "tls/session.h"

// Of one connection: read at once, and waiting to be written before its reader is paused.
#define GW_CONN_READ_BYTES (64 * 1024)
#define GW_CONN_WRITE_HIGH_WATER_BYTES (256 * 1024)
#define GW_CONN_WRITE_LOW_WATER_BYTES (64 * 1024)
#define GW_LINGER_TIMEOUT_MS 2000

#define GW_TRANSPORT_RECORD_BYTES_MAX (16 * 1024) // plaintext of a TLS record

// One for each loop.
struct gw_transport_shared {
    struct gw_handshake_queue *queue; // NULL: handshakes take no turns
    struct gw_blocks blocks;
    uint64_t log_next_ms; // gateway/net/transport_log.h
    uint64_t log_left_out;
    struct gw_memory memory;
    char received[GW_CONN_READ_BYTES];
    char plaintext[GW_TRANSPORT_RECORD_BYTES_MAX];
};

// A handshake that takes turns, and what has come since the last one.
struct gw_transport_handshake {
    struct gw_handshake_turn turn;
    struct gw_transport *transport;
    struct gw_buf bytes;
    bool has_begun; // had a turn
    bool has_ended; // FIN follows these bytes
};

struct gw_transport;

struct gw_transport_events {
    // The PROXY header that gw_transport_expect_proxy_header waits for, before everything else;
    // valid during the call. NULL where it is not expected.
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
    // without close_notify (which many clients do between requests: nothing to log); GW_TIMED_OUT:
    // its host answers no more (transport_peer.h); GW_INVALID: broken TLS, see above, linger before
    // closing; GW_SYSTEM; GW_NO_MEMORY, also when it has to make room (memory.h);
    // GW_UNAVAILABLE: could not connect.
    void (*on_error)(struct gw_transport *transport, enum gw_status status);
    // Last callback: every handle has closed, the memory is the owner's again.
    void (*on_closed)(struct gw_transport *transport);
};

struct gw_transport {
    uv_tcp_t tcp;
    const struct gw_transport_events *events;
    struct gw_transport_shared *shared;
    struct tls_session *tls;                  // NULL: plain
    struct gw_proxy_header *header;           // NULL: not expected, or complete
    struct gw_transport_handshake *handshake; // NULL: over, or takes no turns
    struct gw_transport_tunnel *tunnel;       // NULL: not asked for, or open
    struct gw_buf output;                     // plaintext waiting for the socket
    struct gw_buf wire;                       // ciphertext on its way to the socket (TLS only)
    struct gw_transport_write *write;         // in flight, owns its bytes
    uint64_t handed_bytes;                    // to libuv, since the beginning
    struct gw_holding holding;                // the blocks of the above, and owner_bytes
    size_t owner_bytes;                       // gw_transport_hold
    uv_shutdown_t shutdown;
    enum gw_status failure; // GW_OK while the stream works; reported once the alert is out
    bool is_connected;
    bool has_received; // any byte
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

// ---- for transport*.c alone ----

// Of a handle whose data is the transport.
struct gw_transport *gw_transport_of(const void *handle);
uv_stream_t *gw_transport_stream(struct gw_transport *transport);
enum gw_status gw_transport_status_of(int uv_status);

// Each reports at most once, and nothing after gw_transport_close.
void gw_transport_announce_open(struct gw_transport *transport);
void gw_transport_report_end(struct gw_transport *transport);
void gw_transport_report_failure(struct gw_transport *transport);
// The handshake is done or given up: its turn and its bytes go.
void gw_transport_end_handshake(struct gw_transport *transport);
// Notes the first failure and drops the output; reporting it is the caller's.
void gw_transport_fail(struct gw_transport *transport, enum gw_status status);
// The socket is useless: fails, and reports it at once, for no alert can be sent and no end of the
// peer will come.
void gw_transport_lose(struct gw_transport *transport, int uv_status);
