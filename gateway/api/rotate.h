// SPDX-License-Identifier: MIT
#pragma once
// Successors of tokens. 404 when the old one is not live, 409 when it has a successor. The body is
// optional.

struct gw_exchange;

// POST /orgs/{org}/tokens/{id}/rotate. The caller holds an admin token of the organisation.
void gw_token_rotate_start(struct gw_exchange *exchange);
// POST /auth/token/rotate: of the token that asks, whatever its scope. 403 unless it was made to
// rotate itself.
void gw_token_rotate_own_start(struct gw_exchange *exchange);
