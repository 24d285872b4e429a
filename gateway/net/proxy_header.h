// SPDX-License-Identifier: MIT
#pragma once
// The header of the PROXY protocol, version 1 (text) and 2 (binary), with which a load balancer
// that passes TCP through says whose connection it is (the document proxy-protocol.txt of HAProxy).
// Bytes in, in pieces of any size; no I/O. Anything that is not exactly such a header is refused at
// its first wrong byte.
//
// Version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n", at most 107 bytes. Version 2: a
// signature, 4 bytes, and as many more as they say: addresses, and TLVs that are skipped. The whole
// is at most GW_PROXY_HEADER_BYTES_MAX bytes, which the document takes to fit in any segment.

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/status.h"
#include "base/str.h"

#define GW_PROXY_HEADER_BYTES_MAX 536
#define GW_PROXY_HEADER_KEPT_MAX 107 // a line of version 1; of version 2 the TLVs are not kept

struct gw_proxy_header {
    // Set when complete. With LOCAL the proxy speaks for itself; with neither (UNKNOWN, other
    // families than TCP over IP) for somebody whose address it does not say.
    bool is_local;
    bool has_source;
    struct gw_ip source;
    unsigned length; // taken so far
    unsigned char bytes[GW_PROXY_HEADER_KEPT_MAX];
};

void gw_proxy_header_init(struct gw_proxy_header *header);
// Takes the bytes of the header from the front of `bytes` and no more; *consumed says how many.
// GW_OK: it is complete. GW_WANT_INPUT: all taken, and more is needed. GW_INVALID: no header.
enum gw_status gw_proxy_header_feed(struct gw_proxy_header *header, struct gw_str bytes,
                                    size_t *consumed) GW_MUST_USE;
