// SPDX-License-Identifier: MIT
#pragma once
// New tokens. The caller holds an admin token of the organisation.

struct gw_exchange;

// POST /orgs/{org}/tokens. 409 when a request with the same Idempotency-Key has made a token that
// was used.
void gw_token_create_start(struct gw_exchange *exchange);
