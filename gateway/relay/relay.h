// SPDX-License-Identifier: MIT
#pragma once
// The handler that forwards a request to the registry and streams its answer back. The upstream
// request is rebuilt from parsed fields, never relayed raw: hop-by-hop fields, fields named by
// Connection, and any field that folds to one of our identity names are left out; ours are added
// once.

struct gw_exchange;

// Answers `exchange` now or later: the registry's response, 502, 504, or 503 `no_upstream`.
void gw_relay_start(struct gw_exchange *exchange);
