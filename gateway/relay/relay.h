// SPDX-License-Identifier: MIT
#pragma once
// The handler that forwards a request to the registry and streams the response back. The request is
// composed anew from parsed fields, never relayed raw: hop-by-hop fields, fields that Connection
// names, and fields that fold to an identity name are dropped; the gateway adds its own once.

#define GW_BODY_FORWARD_BYTES_MAX (100ULL * 1024 * 1024)
#define GW_VIA_HOPS_MAX 4 // gateways in a row; one more is taken for a loop
// One forwarded request with both its connections, however large its bodies and however slow its
// peers. Follows from the other bounds; an end-to-end test holds it.
#define GW_FORWARD_MEMORY_BYTES_MAX (1024 * 1024)

struct gw_exchange;

// Answers `exchange` now or later: the registry's response, 502, 504, or 503 `no_upstream`.
void gw_relay_start(struct gw_exchange *exchange);
