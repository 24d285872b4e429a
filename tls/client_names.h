// SPDX-License-Identifier: MIT
#pragma once
// The names of a client's certificate, as the server's end of a session reads them: once, when the
// handshake is over. Bytes of a peer: whatever the certificate says, the list is bounded.

#include <mbedtls/x509_crt.h>

#define TLS_CLIENT_NAMES_MAX 64
#define TLS_CLIENT_NAMES_BYTES_MAX 4096

// In *names, which the caller frees, a list as gw_san_list_has takes it (base/san.h), terminated;
// NULL: there is none. The DNS names and URIs of the certificate's subjectAltName in its order;
// what is no such name by gw_san_kind is left out, and so is what follows the first
// TLS_CLIENT_NAMES_MAX entries of any kind, or has no room in TLS_CLIENT_NAMES_BYTES_MAX: a token
// that is bound to a name that is left out is refused. An error of the library, or 0.
int tls_client_names_read(const mbedtls_x509_crt *certificate, char **names);
