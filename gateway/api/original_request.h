// SPDX-License-Identifier: MIT
#pragma once
// The request that another proxy asks about: method and target of the original, from the fields
// that proxies send.
//
//   X-Original-Method with X-Original-URI (nginx) or X-Original-URL (ingress-nginx)
//   X-Forwarded-Method with X-Forwarded-Uri (Caddy, Traefik)
//   the two that --authz-fields names: Method with Path (NGINX Gateway Fabric)
//
// A client can send such fields too, and a proxy that does not overwrite them passes them on. So
// each field may come once, each pair is whole or absent, and all of them agree. Pure: no I/O, no
// allocation.

#include "base/status.h"
#include "base/str.h"
#include "gateway/http/parse.h"

struct gw_original_request {
    struct gw_str method;
    struct gw_str target; // starts with '/'; of a URL the part behind the authority
};

// GW_NOT_FOUND: no such field; GW_INVALID: half a pair, a field twice or empty, no path, or pairs
// that disagree. Slices are the head's. The router checks method and target. `own_pair`: the names
// of a method and a URI beside the known ones, or NULL twice.
enum gw_status gw_original_request_read(const struct gw_http_head *head,
                                        const char *const own_pair[2],
                                        struct gw_original_request *original) GW_MUST_USE;
