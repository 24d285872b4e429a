// SPDX-License-Identifier: MIT
#pragma once
// What all TLS connections that we open have in common: the authorities to believe, and the
// configuration of Mbed TLS (TLS 1.2 and 1.3, forward-secret AEAD suites, groups X25519, P-256 and
// P-384, ALPN "http/1.1"). The certificate of the server is always verified, its name too. Outlives
// every session made of it; immutable but for the memory that the sessions lend each other.

#include "base/status.h"
#include "tls/context.h"
#include "tls/kept_session.h"

struct tls_client_context;
struct tls_memory_pool;

// A server to speak to.
struct tls_server {
    struct tls_client_context *context;
    // A name, with or without the dot at its end, which the server is told (SNI), or a numeric
    // address, which it is not (RFC 6066 section 3) and which must stand among the addresses of
    // subjectAltName (RFC 9525 section 6.5).
    const char *name;
    struct tls_kept_session *kept; // NULL: nothing is resumed
};

#define TLS_AUTHORITIES_OF_SYSTEM "/etc/ssl/certs/ca-certificates.crt" // Debian's

// `authorities_file`: certificates, PEM. On failure `error` (TLS_ERROR_TEXT_BYTES) says what and
// which file.
enum gw_status tls_client_context_create(const char *authorities_file,
                                         struct tls_client_context **context,
                                         char *error) GW_MUST_USE;
// NULL is harmless.
void tls_client_context_destroy(struct tls_client_context *context);

// For tls/session.c.
const struct mbedtls_ssl_config *
tls_client_context_config(const struct tls_client_context *context);
struct tls_memory_pool *tls_client_context_memory_pool(struct tls_client_context *context);
