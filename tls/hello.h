// SPDX-License-Identifier: MIT
#pragma once
// What the first bytes of a TLS connection say, before any work is done for it. Looks a ClientHello
// (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2) through and checks nothing: the session does
// that later. Pure: no allocation.

#include <stdbool.h>

#include "base/status.h"
#include "base/str.h"

#define TLS_HELLO_BYTES_MAX (5 + 16 * 1024) // the record that begins with it

struct tls_hello {
    bool offers_aes_128;       // TLS_AES_128_GCM_SHA256
    bool may_resume;           // brings a ticket: a pre-shared key of TLS 1.3, or one of RFC 5077
    struct gw_str server_name; // RFC 6066 section 3; points into the bytes; empty: none
};

// GW_OK: a record is there; what is no hello, or is one that goes on in the next record or cannot
// be followed, counts as offering nothing. GW_WANT_INPUT: it is not there whole. GW_INVALID: not
// TLS, from the first byte on.
enum gw_status tls_hello_read(struct gw_str bytes, struct tls_hello *hello) GW_MUST_USE;
