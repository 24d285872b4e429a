// SPDX-License-Identifier: MIT
#pragma once
// The header of the PROXY protocol, version 1 (text) and 2 (binary), in which a load balancer that
// passes TCP through names the client (HAProxy's document proxy-protocol.txt). Bytes in, in pieces
// of any size; no I/O. Anything else is refused at its first wrong byte.
//
// Version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n", at most 107 bytes. Version 2: a
// signature, 4 bytes with the length, then addresses, and TLVs that are skipped; at most
// GW_PROXY_HEADER_BYTES_MAX bytes in all, which by the document fit into any segment.

#include <stdbool.h>
#include <stdint.h>

#include "base/ip.h"
#include "base/status.h"
#include "base/str.h"

#define GW_PROXY_HEADER_BYTES_MAX 536
#define GW_PROXY_HEADER_KEPT_MAX 107 // a line of version 1; of version 2 the TLVs are not kept

struct gw_proxy_header {
    // Set when complete. is_local: the connection is the proxy's own. Neither (UNKNOWN, or a family
    // other than TCP over IP): the client is unknown.
    bool is_local;
    bool has_source;
    struct gw_ip source;
    unsigned length; // taken so far
    unsigned char bytes[GW_PROXY_HEADER_KEPT_MAX];
};

void gw_proxy_header_init(struct gw_proxy_header *header);
// Takes the header's bytes from the front of `bytes`; *consumed is how many. GW_OK: complete.
// GW_WANT_INPUT: all taken, more is needed. GW_INVALID: not a header.
enum gw_status gw_proxy_header_feed(struct gw_proxy_header *header, struct gw_str bytes,
                                    size_t *consumed) GW_MUST_USE;
