// SPDX-License-Identifier: MIT
#pragma once
// What all TLS connections to servers share: the trusted authorities, and the configuration of Mbed
// TLS (TLS 1.2 and 1.3, forward-secret AEAD suites, groups X25519, P-256 and P-384, ALPN
// "http/1.1"). The certificate of the server and its name are always verified. Outlives every
// session made of it; immutable except for the memory that the sessions lend each other.

#include "base/status.h"
#include "tls/explain.h"
#include "tls/kept_session.h"

struct tls_client_context;
struct tls_memory_pool;

// A server to connect to.
struct tls_server {
    struct tls_client_context *context;
    // A name, with or without a final dot, sent to the server (SNI); or a numeric address, which is
    // not sent (RFC 6066 section 3) and must be among the addresses of subjectAltName (RFC 9525
    // section 6.5).
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
