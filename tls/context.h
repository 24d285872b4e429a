// SPDX-License-Identifier: MIT
#pragma once
// What all TLS connections of a process share: certificates, keys, and the configuration of Mbed
// TLS (TLS 1.2 and 1.3, forward-secret AEAD suites, groups X25519, P-256 and P-384, ALPN
// "http/1.1" or "http/1.0", no renegotiation, session tickets by tls/tickets.h). A client that
// names its server gets the certificates with this name, or else those whose wildcard covers it, or
// else, like a client that names none, the first whose key it can take. Each process makes its own
// (after a fork, so that no two share a random generator); immutable afterwards. Counted, because
// connections made before a reload keep the old one: the only reference count of the project.

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "tls/pair.h"

struct tls_context;
struct tls_hello;
struct tls_memory_pool;
struct tls_ticket_binding;
struct mbedtls_ssl_config;
struct mbedtls_ssl_context;

struct tls_context_options {
    const char *certificate_file; // of the first pair; names of files outlive the context
    const char *key_file;
    const struct tls_pair_files *others; // pairs for other names
    int other_count;
    const char *client_ca_file;    // PEM, authorities of clients; NULL: asks for no certificate
    const struct tls_files *files; // all of the above, read; NULL: they are read now, which waits
    bool is_tls13_only;
    const unsigned char *ticket_secret; // TLS_TICKET_SECRET_BYTES, copied; NULL: no tickets
    int64_t (*wall_ms)(void);           // for tickets; NULL: the system's clock
};

// Certificates of clients are optional. A certificate must be signed by the authorities of the
// file, valid now, and made for clients; see tls_session_client_subject.
//
// On failure `error` (TLS_ERROR_TEXT_BYTES) says what, which file, and what to do. GW_INVALID: see
// tls_pair_load.
enum gw_status tls_context_create_server(const struct tls_context_options *options,
                                         struct tls_context **context, char *error) GW_MUST_USE;
struct tls_context *tls_context_acquire(struct tls_context *context);
void tls_context_release(struct tls_context *context);

// The pair whose chain ends first.
const struct tls_pair *tls_context_first_to_end(const struct tls_context *context);

// For tls/session.c: the configuration for one connection. In TLS 1.3 Mbed TLS takes the first
// suite of the client's list that it knows, so a client that offers TLS_AES_128_GCM_SHA256 anywhere
// gets a configuration without the others.
const struct mbedtls_ssl_config *tls_context_config(const struct tls_context *context,
                                                    bool offers_aes_128);
// Before the handshake: what is shown to a client without a name of ours. An error of the library,
// or 0.
int tls_context_show_default(struct tls_context *context, struct mbedtls_ssl_context *ssl,
                             const struct tls_hello *hello);
// Before each step of a handshake: the connection, for the tickets; NULL after it.
void tls_context_bind(struct tls_context *context, const struct tls_ticket_binding *binding);
// For the record buffers of its connections, between records.
struct tls_memory_pool *tls_context_memory_pool(struct tls_context *context);
