// SPDX-License-Identifier: MIT
#pragma once
// The subject of a client's certificate, as the server's end of a session reads it.

#include <mbedtls/ssl.h>

#define TLS_SUBJECT_BYTES_MAX 512

// After the handshake: in *subject, which the caller frees, the subject of the certificate, which
// was verified; NULL without a certificate. An error of the library, or 0: it accepts a bad
// certificate where one is optional. A subject that does not fit whole is not trusted.
int tls_client_subject_read(const mbedtls_ssl_context *ssl, char **subject);
