// SPDX-License-Identifier: MIT
#pragma once
// What a server gave us for resuming: the newest session with it, offered to it with each new
// connection, so that a handshake has no certificate to verify (RFC 8446 section 2.2, RFC 5077).
// One for each server: the owner never shows it to another, nor under another name or other
// authorities.
//
// A server that is resumed again and again would never show its certificate again. So a session is
// kept for TLS_KEPT_SESSION_MS_MAX from the last time that one was verified, over all that were
// resumed from it.

#include <stdbool.h>
#include <stdint.h>

#define TLS_KEPT_SESSION_MS_MAX (10 * 60 * 1000)

struct mbedtls_ssl_context;
struct mbedtls_ssl_session;

// Zeros: none.
struct tls_kept_session {
    struct mbedtls_ssl_session *session; // NULL: none
    uint64_t verified_ms;                // monotonic
};

// Before the handshake of `ssl`, a client's. True: it was offered, and *verified_ms tells of its
// certificate.
bool tls_kept_session_offer(struct tls_kept_session *kept, struct mbedtls_ssl_context *ssl,
                            uint64_t *verified_ms);
// Takes what `ssl` has to resume with, if anything, in place of what was kept. `verified_ms`: when
// the server last showed its certificate.
void tls_kept_session_take(struct tls_kept_session *kept, struct mbedtls_ssl_context *ssl,
                           uint64_t verified_ms);
void tls_kept_session_drop(struct tls_kept_session *kept);
