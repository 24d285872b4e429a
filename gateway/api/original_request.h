// SPDX-License-Identifier: MIT
#pragma once
// Which request another proxy asks about: method and target of the original, from the fields that
// proxies send.
//
//   X-Original-Method with X-Original-URI (nginx) or X-Original-URL (ingress-nginx)
//   X-Forwarded-Method with X-Forwarded-Uri (Caddy, Traefik)
//
// A client can send such fields too, and a proxy that does not overwrite them passes them on. So
// nothing here is guessed: each field at most once, each pair whole or not at all, and all of them
// of one opinion. Pure: no I/O, no allocation.

#include "base/status.h"
#include "base/str.h"
#include "gateway/http/parse.h"

struct gw_original_request {
    struct gw_str method;
    struct gw_str target; // starts with '/': of a full URL what follows the authority
};

// GW_NOT_FOUND: no such field; GW_INVALID: half a pair, a field twice or empty, no path, or two
// opinions. Slices are the head's. Whether method and target make sense is the router's to say.
enum gw_status gw_original_request_read(const struct gw_http_head *head,
                                        struct gw_original_request *original) GW_MUST_USE;
