// SPDX-License-Identifier: MIT
#pragma once
// How bytes leave a transport: output -> (TLS: sealed into wire) -> send_now -> what the socket did
// not take becomes the one write in flight, and the loop starts again when that is done. Everything
// that sends ends in gw_transport_pump.

#include "gateway/net/transport_state.h"

// Who streams stops at the high-water mark. What comes at once fits behind that: the longest is a
// page of tokens, LIST_BYTES_MAX of gateway/api/tokens.c.
#define GW_TRANSPORT_OUTPUT_BYTES_MAX (8 * GW_CONN_WRITE_HIGH_WATER_BYTES)
#define GW_TRANSPORT_SEAL_BYTES_MAX (64 * 1024) // plaintext encrypted at once
// Holds a sealed round and what TLS itself sends before it, a ticket for example: both leave
// together.
#define GW_TRANSPORT_WIRE_BYTES_MAX (2 * GW_TRANSPORT_SEAL_BYTES_MAX)

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
// What the owner holds for the peer itself, beside the output: counted with it (memory.h).
void gw_transport_hold(struct gw_transport *transport, size_t bytes);
// After everything queued: close_notify and FIN. Reading goes on until the peer's end. Output
// appended afterwards is dropped.
void gw_transport_shutdown(struct gw_transport *transport);

// ---- for transport*.c alone ----

// Sends as much as the socket takes now; FIN when all is out and the stream has ended or failed.
void gw_transport_pump(struct gw_transport *transport);
