// SPDX-License-Identifier: MIT
#pragma once
// The address of the client whose request a trusted proxy passed on: X-Forwarded-For, or Forwarded (RFC 7239), walked from the
// right, because each proxy adds what it saw at that end and only what trusted proxies added is worth anything. A trusted address is
// one proxy more; the first that is not trusted is the client. What is no address (unknown, obfuscated, broken) ends the
// walk, and so do GW_FORWARDED_HOPS_MAX proxies: then the last trusted one stands for the client.
//
// Nothing is preferred when both fields are there: where they lead to two clients, neither is believed, and the peer stands for
// the client. One of the two is not the proxy's own but came through it. Pure: no I/O, no allocation.

#include "base/ip.h"
#include "gateway/http_parse.h"
#include "gateway/trusted_proxies.h"

// `peer` is trusted and sent `request`.
struct gw_ip gw_client_ip_find(const struct gw_http_head *request,
                               const struct gw_trusted_proxies *trusted, const struct gw_ip *peer);
