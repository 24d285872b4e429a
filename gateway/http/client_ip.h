// SPDX-License-Identifier: MIT
#pragma once
// The address of the client whose request a trusted proxy passed on: X-Forwarded-For or Forwarded
// (RFC 7239), whichever our proxies write, walked from the right, because each proxy adds what it
// saw at that end and only what trusted proxies added is worth anything. A trusted address is one
// proxy more; the first that is not trusted is the client.
//
// Where the walk meets what it cannot read (unknown, obfuscated, empty, broken), or has read
// GW_FORWARDED_HOPS_MAX elements and there are more, the client is unknown: whoever stands there,
// it is not the proxy that the walk had come to. Unknown it is, too, when the field is missing and
// the other one is there: our proxy does not write what it was said to write. With neither of them
// the proxy speaks for itself. Pure: no I/O, no allocation.

#include <stdbool.h>

#include "base/ip.h"
#include "base/status.h"
#include "gateway/http/parse.h"
#include "gateway/settings/trusted_proxies.h"

// `peer` is trusted and sent `request`; `field` is one of GW_FIELD_X_FORWARDED_FOR,
// GW_FIELD_FORWARDED. False: unknown.
bool gw_client_ip_find(const struct gw_http_head *request, enum gw_http_field_id field,
                       const struct gw_trusted_proxies *trusted, const struct gw_ip *peer,
                       struct gw_ip *client) GW_MUST_USE;
// The one of the two that is not `field`.
enum gw_http_field_id gw_client_ip_other_field(enum gw_http_field_id field);
