// SPDX-License-Identifier: MIT
#pragma once
// The offers of a ClientHello (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2), before any work
// is done for the connection. Checks nothing: the session does that later. Pure: no allocation.

#include <stdbool.h>

#include "base/status.h"
#include "base/str.h"

#define TLS_HELLO_BYTES_MAX (5 + 16 * 1024) // the record that begins with it

struct tls_hello {
    bool offers_aes_128;       // TLS_AES_128_GCM_SHA256
    bool offers_early_data;    // and so may send it
    bool takes_ecdsa;          // certificates with such a key, by suites and signatures; false also
    bool takes_rsa;            // where the library may know better
    bool may_resume;           // has a ticket: a pre-shared key of TLS 1.3, or RFC 5077
    struct gw_str server_name; // RFC 6066 section 3; a slice of the bytes; may be empty
};

// GW_OK: the record is whole; another message, or a hello that is malformed or continues in the
// next record, offers nothing. GW_WANT_INPUT: the record is not whole. GW_INVALID: the first byte
// is not that of TLS.
enum gw_status tls_hello_read(struct gw_str bytes, struct tls_hello *hello) GW_MUST_USE;
