// SPDX-License-Identifier: MIT
#pragma once
// "host:port" of flags, URLs and header fields: a name or an IPv4 address, or an IPv6 address in
// brackets. Takes the text apart and reads the number; what a host may look like is the caller's
// rule.

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct gw_host_port {
    struct gw_str host; // without brackets; may be empty
    struct gw_str port; // may be empty; .at is NULL when there is no colon
    bool is_bracketed;
};

// A host without brackets ends at the first colon. GW_INVALID: a bracket that is not closed, or
// something other than a colon behind it.
enum gw_status gw_host_port_split(struct gw_str text, struct gw_host_port *parts) GW_MUST_USE;
// GW_INVALID: not a decimal number. GW_TOO_BIG: over 65535.
enum gw_status gw_port_parse(struct gw_str text, uint16_t *port) GW_MUST_USE;

#define GW_HOST_BYTES_MAX 255
// For getaddrinfo: the host terminated in `host`, *port the end of `address`. Both must be there;
// an IPv6 address may stand without brackets. GW_INVALID; GW_TOO_BIG: a host over
// GW_HOST_BYTES_MAX, a port over 65535.
enum gw_status gw_host_port_read(const char *address, char host[GW_HOST_BYTES_MAX + 1],
                                 const char **port) GW_MUST_USE;
