// SPDX-License-Identifier: MIT
#pragma once
// The client of a request that a trusted proxy passed on, read as the settings say: from the field
// of --client-address-from, and no other. With --proxy-protocol neither field counts, because the
// header in front of the connection has named the client. A deployment may rely on a field that
// does not count, so the first one is logged: once a process.

#include "base/ip.h"
#include "gateway/exchange/services.h"
#include "gateway/http/client.h"
#include "gateway/http/parse.h"

// `peer` is a trusted proxy that sent `request` for a client, or for itself.
struct gw_client gw_client_fields_read(struct gw_services *services,
                                       const struct gw_http_head *request,
                                       const struct gw_ip *peer);
// The same where the client is known already.
void gw_client_fields_ignore(struct gw_services *services, const struct gw_http_head *request,
                             const struct gw_ip *peer);
