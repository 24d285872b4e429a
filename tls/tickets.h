// SPDX-License-Identifier: MIT
#pragma once
// Session tickets (RFC 5077, RFC 8446 section 4.6.1) that every worker, and every gateway with the
// same secret, can open. A key belongs to a window of time and is derived from the secret (HKDF,
// RFC 5869), so nothing is exchanged and nothing is stored; tickets of this window and of the two
// before it are accepted. Any other ticket leads to a full handshake, never to an error.
//
// ticket = key name (16) | nonce (12) | AES-256-GCM of the lines below | tag (16)
//   version (2) | wall time of its making, ms (8) | the session, as the library writes it
// The key name and a digest of the server name are authenticated with it: a ticket is valid only
// for the name and the version of TLS that it was made for. No early data. A client that showed a
// certificate gets no ticket: a resumed session would trust the certificate after it, or its
// authority, has expired.
//
// The library's callbacks lack an argument for the connection: tls_tickets_bind sets it.

#include <mbedtls/ssl.h>
#include <stdint.h>

#include "base/status.h"
#include "tls/file.h"

#define TLS_TICKET_SECRET_BYTES 32
#define TLS_TICKET_SECRET_FILE_BYTES_MIN 32
#define TLS_TICKET_SECRET_FILE_BYTES_MAX 4096
#define TLS_TICKET_WINDOW_S (8 * 60 * 60)
#define TLS_TICKET_SERVER_NAME_DIGEST_BYTES 32

struct tls_tickets;

// What a ticket is bound to: part of the connection, in the caller's memory.
struct tls_ticket_binding {
    const mbedtls_ssl_context *ssl;
    unsigned char server_name[TLS_TICKET_SERVER_NAME_DIGEST_BYTES]; // zeros: no name
};

// The digest of the whole file. On failure GW_INVALID, and `error` (TLS_ERROR_TEXT_BYTES of
// tls/explain.h) says what and which file: not readable, too short, too long.
enum gw_status tls_ticket_secret_take(const struct tls_file *file,
                                      unsigned char secret[TLS_TICKET_SECRET_BYTES],
                                      char *error) GW_MUST_USE;
enum gw_status tls_ticket_secret_make(unsigned char secret[TLS_TICKET_SECRET_BYTES]) GW_MUST_USE;

// Copies the secret. `wall_ms` says the time since 1970 in milliseconds.
enum gw_status tls_tickets_create(const unsigned char secret[TLS_TICKET_SECRET_BYTES],
                                  int64_t (*wall_ms)(void),
                                  struct tls_tickets **tickets) GW_MUST_USE;
void tls_tickets_destroy(struct tls_tickets *tickets);
// Every connection of this configuration gets tickets and may show them.
void tls_tickets_install(struct tls_tickets *tickets, mbedtls_ssl_config *config);
// Sets the server name of the binding (RFC 6066 section 3), in any letter case. An error of the
// library, or 0.
int tls_ticket_binding_name(struct tls_ticket_binding *binding, const unsigned char *name,
                            size_t length);
// Before each step of a handshake: the connection; NULL after it.
void tls_tickets_bind(struct tls_tickets *tickets, const struct tls_ticket_binding *binding);
