// SPDX-License-Identifier: MIT
#pragma once
// The client's end of a TLS connection, in memory: bytes from the server go into `input`, bytes for
// it come out of `output`. Does not verify the certificate. Fields of `options` that are 0 or NULL
// mean the library's default; lists must outlive the client.

#include <mbedtls/ssl.h>

#include "base/buf.h"

struct test_tls_client_options {
    mbedtls_ssl_protocol_version version; // only this one
    const int *suites;                    // in this order, 0 at the end
    const uint16_t *groups;               // 0 at the end
    const char **alpn;                    // NULL at the end
    const char *server_name;              // NULL: localhost
    const mbedtls_ssl_session *session;   // to resume
    int key_exchange_modes;               // of TLS 1.3
    bool may_renegotiate;
};

struct test_tls_client {
    mbedtls_ssl_config config;
    mbedtls_ssl_context ssl;
    struct gw_buf input;
    struct gw_buf output;
};

void test_tls_client_init(struct test_tls_client *client,
                          const struct test_tls_client_options *options);
void test_tls_client_deinit(struct test_tls_client *client);
// 0 when done, MBEDTLS_ERR_SSL_WANT_READ, or what went wrong.
int test_tls_client_handshake(struct test_tls_client *client);
// What the client would resume with, once the server's ticket has come; false: none has.
bool test_tls_client_take_session(struct test_tls_client *client, mbedtls_ssl_session *session);
// Number of bytes, or as above; MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY at the end.
int test_tls_client_read(struct test_tls_client *client, char *out, size_t out_max);
// Aborts on failure.
void test_tls_client_write(struct test_tls_client *client, const void *bytes, size_t length);
// The last alert that the server sent, from a record in the clear at the end of `input`; -1: none.
int test_tls_client_fatal_alert(const struct test_tls_client *client);
