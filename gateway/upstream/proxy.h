// SPDX-License-Identifier: MIT
#pragma once
// An HTTP proxy, as HTTPS_PROXY names one: "http://proxy.example.com:3128", with a name and a
// password before the host where it wants them, in the form of URLs (RFC 3986 section 3.2.1);
// without http:// it is meant, and without a port 80. Proxies that speak TLS or SOCKS themselves
// are refused. And the request that has one open a tunnel. Pure.

#include <stdbool.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "gateway/upstream/url.h"

#define GW_UPSTREAM_PROXY_USER_BYTES_MAX 255 // name, colon and password, unescaped
#define GW_UPSTREAM_PROXY_REQUEST_BYTES_MAX 2048

struct gw_upstream_proxy {
    struct gw_upstream_url url;                               // without `authority`
    char name[GW_UPSTREAM_HOST_BYTES_MAX + 16];               // host and port, for people
    char basic[4 * GW_UPSTREAM_PROXY_USER_BYTES_MAX / 3 + 8]; // of RFC 7617; empty: none. A secret
};

// GW_INVALID: *problem is a static sentence for the operator, which has nothing of the text.
enum gw_status gw_upstream_proxy_parse(struct gw_str text, struct gw_upstream_proxy *proxy,
                                       const char **problem) GW_MUST_USE;
// CONNECT to the host of `url`. GW_NO_MEMORY.
enum gw_status gw_upstream_proxy_write_request(const struct gw_upstream_proxy *proxy,
                                               const struct gw_upstream_url *url,
                                               struct gw_buf *request) GW_MUST_USE;
