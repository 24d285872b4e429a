// SPDX-License-Identifier: MIT
#pragma once
// The newest session with a server that can be resumed, offered with each new connection, so that
// the handshake verifies no certificate (RFC 8446 section 2.2, RFC 5077). One for each server: the
// owner never offers it to another server, nor under another name or other authorities.
//
// Resumed again and again, a server would never show its certificate again. So sessions are kept
// for TLS_KEPT_SESSION_MS_MAX after the last verification, however often they are resumed.

#include <stdbool.h>
#include <stdint.h>

#define TLS_KEPT_SESSION_MS_MAX (10 * 60 * 1000)

struct mbedtls_ssl_context;
struct mbedtls_ssl_session;

// Zeros: empty.
struct tls_kept_session {
    struct mbedtls_ssl_session *session; // NULL: none
    uint64_t verified_ms;                // monotonic
};

// Before the handshake of `ssl`, a client's. True: the session was offered, and *verified_ms is
// when its certificate was verified.
bool tls_kept_session_offer(struct tls_kept_session *kept, struct mbedtls_ssl_context *ssl,
                            uint64_t *verified_ms);
// Keeps the session of `ssl`, if it can be resumed, instead of the last one. `verified_ms`: when
// the server last showed its certificate.
void tls_kept_session_take(struct tls_kept_session *kept, struct mbedtls_ssl_context *ssl,
                           uint64_t verified_ms);
void tls_kept_session_drop(struct tls_kept_session *kept);
