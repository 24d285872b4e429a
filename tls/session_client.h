// SPDX-License-Identifier: MIT
#pragma once
// What a session does only at the client's end: checks that the certificate is for the server, and
// resumes and keeps sessions. For tls/session.c alone.

#include <mbedtls/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "tls/client_context.h"
#include "tls/kept_session.h"

#define TLS_ADDRESS_BYTES_MAX 16 // IPv6

// Zeros: the server's end.
struct tls_session_client {
    unsigned char address[TLS_ADDRESS_BYTES_MAX]; // that the certificate must have
    unsigned char address_bytes;                  // 0: a name instead
    bool has_offered;                             // a kept session
    struct tls_kept_session *kept;                // NULL: sessions are not kept
    uint64_t verified_ms;                         // when the server last showed its certificate
};

// Sets `ssl` up with the configuration, the name and the kept session of `server`. GW_NO_MEMORY.
enum gw_status tls_session_client_set_up(struct tls_session_client *client,
                                         mbedtls_ssl_context *ssl,
                                         const struct tls_server *server) GW_MUST_USE;
// After the handshake; `has_certified`: the server showed its certificate in it.
void tls_session_client_end_handshake(struct tls_session_client *client, mbedtls_ssl_context *ssl,
                                      bool has_certified);
// A ticket has come; harmless where sessions are not kept.
void tls_session_client_keep(struct tls_session_client *client, mbedtls_ssl_context *ssl);
// As tls_session_drop_offered and tls_session_certificate_problem.
bool tls_session_client_drop_offered(struct tls_session_client *client);
const char *tls_session_client_problem(const struct tls_session_client *client,
                                       const mbedtls_ssl_context *ssl);
