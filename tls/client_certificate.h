// SPDX-License-Identifier: MIT
#pragma once
// What the server's end of a session keeps of a client's certificate: its subject and its names.

#include <mbedtls/ssl.h>

#define TLS_SUBJECT_BYTES_MAX 512

// Zeros: there is no certificate.
struct tls_client_certificate {
    char *subject; // NULL: there is no certificate
    char *names;   // a list, as tls/client_names.h makes it; NULL: it has none
};

// After the handshake, once: reads the certificate, which was verified. An error of the library, or
// 0: it accepts a bad certificate where one is optional. A subject that does not fit whole is not
// trusted. After an error, too, the certificate is to be deinitialised.
int tls_client_certificate_read(struct tls_client_certificate *client,
                                const mbedtls_ssl_context *ssl);
void tls_client_certificate_deinit(struct tls_client_certificate *client);
