// SPDX-License-Identifier: MIT
#pragma once
// Why a session failed, for the log: static texts, nothing of what the peer sent but the number of
// its alert.

#include <mbedtls/ssl.h>

#include "base/str.h"

struct tls_problem {
    const char *reason; // NULL: it did not fail
    const char *alert;  // as RFC 8446 section 6 calls it, of the side that gave up; NULL: none
};

// Of the library's error `code`, just now. `last_alert`: tls_alert_in_clear of the last record.
// OpenSSL's client sends its alert in the clear when it does not trust a server of TLS 1.3, and for
// the library that is a record that cannot be deciphered.
struct tls_problem tls_problem_of(const mbedtls_ssl_context *ssl, int code, int last_alert);
// Of bytes that begin with a record: its fatal alert, or -1.
int tls_alert_in_clear(struct gw_str bytes);
// "unknown_ca".
const char *tls_alert_name(unsigned char alert);
