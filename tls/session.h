// SPDX-License-Identifier: MIT
#pragma once
// One TLS connection as a filter: ciphertext in, plaintext out, and the other way round. No
// sockets, no loop. Ciphertext to send collects in the output buffer, which the caller empties.
// After any status except GW_OK, GW_WANT_INPUT and GW_TOO_BIG of a write the session is finished:
// send the output (the alert), then close. Only the end of the peer (GW_CLOSED from
// tls_session_read) leaves it writable. The record buffers are made when the first byte comes;
// after the handshake a session has them only while a record is under way.
//
// Mbed TLS 3.6 lacks KeyUpdate (RFC 8446 section 4.6.3): a peer that sends one gets an
// unexpected_message alert. GnuTLS and rustls send one after 2^24 records, and that many our own
// keys may seal (section 5.5), so a session is worn out after half of them, either way: the owner
// lets what is under way end, and ends the connection. At 2^24 records sent a write fails.

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "tls/client_certificate.h"
#include "tls/client_context.h"
#include "tls/context.h"
#include "tls/problem.h"

struct tls_session;

#define TLS_RECORDS_BEFORE_WORN (UINT64_C(1) << 23) // in one direction

// Holds the context. `output` belongs to the caller and must outlive the session.
enum gw_status tls_session_create(struct tls_context *context, struct gw_buf *output,
                                  struct tls_session **session) GW_MUST_USE;
// The client's end: tls_session_handshake begins without input. The certificate, or that of the
// session that is resumed, must be for the name of `server`. Its context and kept session are
// borrowed.
enum gw_status tls_session_create_client(const struct tls_server *server, struct gw_buf *output,
                                         struct tls_session **session) GW_MUST_USE;
void tls_session_destroy(struct tls_session *session);

// Lends `ciphertext` to the session, which reads it in place during the following calls, until
// tls_session_handshake or _read wants input: then all of it is consumed.
void tls_session_feed(struct tls_session *session, struct gw_str ciphertext);
// GW_OK: done (call _read at once: data may have come with the last flight); GW_WANT_INPUT;
// GW_INVALID: the peer broke the protocol (an alert is in the output); GW_CANCELLED: the peer gave
// up with an alert; GW_CLOSED: with close_notify; GW_NO_MEMORY.
enum gw_status tls_session_handshake(struct tls_session *session) GW_MUST_USE;
// Instead of a handshake, before it began: puts the alert internal_error on the output and finishes
// the session.
void tls_session_refuse(struct tls_session *session);
// At most one record. GW_OK with *length > 0; GW_WANT_INPUT; GW_CLOSED: close_notify, also in later
// calls; GW_CANCELLED: the peer gave up with an alert; GW_INVALID; GW_NO_MEMORY.
enum gw_status tls_session_read(struct tls_session *session, char *out, size_t out_max,
                                size_t *length) GW_MUST_USE;
// Encrypts all of `plaintext` to the output. GW_TOO_BIG: the output lacks room, nothing was
// written. GW_INVALID: also when twice the records of a worn session were sent; the alert is
// internal_error, and no close_notify follows, so that no peer takes what it got for the whole.
enum gw_status tls_session_write(struct tls_session *session, struct gw_str plaintext) GW_MUST_USE;
// After the handshake: TLS_RECORDS_BEFORE_WORN records were sent, or received.
bool tls_session_is_worn(const struct tls_session *session);
// Instead of TLS_RECORDS_BEFORE_WORN, for tests.
void tls_session_set_records_before_worn(struct tls_session *session, uint64_t records);
// Puts close_notify on the output, once; nothing before the handshake is done or after a failure.
void tls_session_close_notify(struct tls_session *session);
// The first bytes of the connection were an HTTP request in the clear (for a plain-text 400): true
// after tls_session_handshake returned GW_INVALID for that reason.
bool tls_session_peer_spoke_http(const struct tls_session *session);
// After any failure.
struct tls_problem tls_session_problem(const struct tls_session *session);
// After the handshake: it was a short one, by a ticket.
bool tls_session_is_resumed(const struct tls_session *session);
// The client's end, after a failed handshake: true when a kept session was offered. It may be the
// cause (a server that changed its version, for example), so it is dropped.
bool tls_session_drop_offered(struct tls_session *session);
// After the handshake: the subject of the client's certificate, which was verified; empty without a
// certificate. As RFC 4514 escapes it, in printable ASCII, its parts in the certificate's order:
// "C=NL, O=Example, CN=ci". A certificate whose subject is longer than TLS_SUBJECT_BYTES_MAX is
// refused.
struct gw_str tls_session_client_subject(const struct tls_session *session);
// After the handshake: the names of that certificate, a list as gw_san_list_has takes it
// (tls/client_names.h); empty without a certificate. A resumed session has none: tls/tickets.h.
struct gw_str tls_session_client_names(const struct tls_session *session);
// The client's end, after a failed handshake: what is wrong with the server's certificate, static,
// part of a sentence; NULL when nothing is.
const char *tls_session_certificate_problem(const struct tls_session *session);
// "TLSv1.3", "TLSv1.2".
const char *tls_session_version(const struct tls_session *session);
