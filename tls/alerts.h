// SPDX-License-Identifier: MIT
#pragma once
// The alert that fits an error of the library (RFC 8446 section 6.2), for the errors that the
// library ends a session with and sends no alert for.

#include <mbedtls/ssl.h>

// What `code` leaves open is read from `ssl`.
unsigned char tls_alert_for(const mbedtls_ssl_context *ssl, int code);
