// SPDX-License-Identifier: MIT
#pragma once
// The address of the client whose request a trusted proxy passed on: X-Forwarded-For or Forwarded
// (RFC 7239), as configured, read from the right. Each proxy appends the address that it saw, and
// only what trusted proxies appended counts: a trusted address is one more proxy, the first
// untrusted one is the client.
//
// The client is unknown when an element cannot be read (unknown, obfuscated, empty, broken), when
// there are more than GW_FORWARDED_HOPS_MAX of them, or when the configured field is missing and
// the other one is there: it is certainly not the proxy that the walk had come to. Without either
// field the proxy speaks for itself. Pure: no I/O, no allocation.

#include <stdbool.h>

#include "base/ip.h"
#include "base/status.h"
#include "gateway/http/head_block.h"
#include "gateway/settings/trusted_proxies.h"

#define GW_FORWARDED_HOPS_MAX 32 // trusted proxies that are walked past

// `peer` is trusted and sent `request`; `field` is GW_FIELD_X_FORWARDED_FOR or GW_FIELD_FORWARDED.
// False: unknown.
bool gw_client_ip_find(const struct gw_http_head *request, enum gw_http_field_id field,
                       const struct gw_trusted_proxies *trusted, const struct gw_ip *peer,
                       struct gw_ip *client) GW_MUST_USE;
// The other of the two.
enum gw_http_field_id gw_client_ip_other_field(enum gw_http_field_id field);
