// SPDX-License-Identifier: MIT
#pragma once
// TLS in a transport: ciphertext in, on_open, on_read and on_end out. The ciphertext of a handshake
// that takes turns collects in struct gw_transport_handshake until its turn. For transport.c alone,
// which fails the transport on a bad status.

#include "gateway/net/transport_state.h"

// Starts the handshake, or continues it with the bytes that the session was fed. GW_OK: it is over,
// and plaintext may be read. GW_WANT_INPUT: nothing to read now. Else: failed; an HTTP request in
// the clear has its answer on the wire.
enum gw_status gw_transport_tls_shake_hands(struct gw_transport *transport) GW_MUST_USE;
// All of `ciphertext`, also during the handshake. GW_OK, or why the session has failed.
enum gw_status gw_transport_tls_receive(struct gw_transport *transport,
                                        struct gw_str ciphertext) GW_MUST_USE;

// ---- turns ----

// From now on the handshake takes turns in the queue of the loop. GW_NO_MEMORY.
enum gw_status
gw_transport_tls_take_turns(struct gw_transport *transport,
                            void (*on_turn)(struct gw_handshake_turn *turn)) GW_MUST_USE;
// Keeps the bytes for the turn, and asks for it as soon as there is something to do in it. on_turn
// is called inside when the first byte is wrong. GW_TOO_BIG: too many wait.
enum gw_status gw_transport_tls_wait_for_turn(struct gw_transport *transport,
                                              struct gw_str ciphertext) GW_MUST_USE;
// The turn has come: `*bytes` is what it is for, and the caller's. True: FIN follows them.
bool gw_transport_tls_begin_turn(struct gw_transport_handshake *handshake, struct gw_buf *bytes);
// Refuses instead of shaking hands: the alert is on the wire.
void gw_transport_tls_refuse(struct gw_transport *transport);
