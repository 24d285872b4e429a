// SPDX-License-Identifier: MIT
#pragma once
// The handler that forwards a request to the registry and streams the response back. The request is
// composed anew from parsed fields, never relayed raw: hop-by-hop fields, fields that Connection
// names, and fields that fold to an identity name are dropped; the gateway adds its own once.

struct gw_exchange;

// Answers `exchange` now or later: the registry's response, 502, 504, or 503 `no_upstream`.
void gw_relay_start(struct gw_exchange *exchange);
