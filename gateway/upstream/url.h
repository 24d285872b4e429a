// SPDX-License-Identifier: MIT
#pragma once
// The address of the registry as an operator writes it: `http://host`, `https://host:port`,
// `http://[v6]:port`, with at most a single "/" behind it (RFC 3986 section 3). Requests keep the
// path they came with, so a path prefix is refused, and so are user information, query and
// fragment. Pure: no resolution here.

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

#define GW_UPSTREAM_HOST_BYTES_MAX 253 // a full domain name, RFC 1035 section 2.3.4

struct gw_upstream_url {
    char host[GW_UPSTREAM_HOST_BYTES_MAX +
              1]; // name or numeric address, terminated, without brackets
    uint16_t port;
    bool is_tls;
    struct gw_str authority; // slice of the text: host and port as written, for Host
};

// GW_INVALID: *problem is one static sentence for the operator, starting in lower case.
enum gw_status gw_upstream_url_parse(struct gw_str text, struct gw_upstream_url *url,
                                     const char **problem) GW_MUST_USE;
