// SPDX-License-Identifier: MIT
#pragma once
// What a request of a trusted peer says of whose it is, read as the settings say: the field of
// --client-address-from, and no other. With --proxy-protocol neither field counts, the header in
// front of the connection has said it. A field that does not count and is there all the same may be
// what a deployment relies on, so the first one is told of in the log: once for each process.

#include "base/ip.h"
#include "gateway/exchange/services.h"
#include "gateway/http/client.h"
#include "gateway/http/parse.h"

// `peer` is a trusted proxy that sent `request` for somebody, or for itself.
struct gw_client gw_client_fields_read(struct gw_services *services,
                                       const struct gw_http_head *request,
                                       const struct gw_ip *peer);
// The same where it is known already whose request it is.
void gw_client_fields_ignore(struct gw_services *services, const struct gw_http_head *request,
                             const struct gw_ip *peer);
