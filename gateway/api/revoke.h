// SPDX-License-Identifier: MIT
#pragma once
// A revocation of one token, with `successors` of those that came of it by rotation too, and with
// `wait` answered when the other gateways have applied it (docs/design/revocation.md). It works
// within the organisation of the caller's token, so a foreign id is not found.

struct gw_exchange;

// DELETE /orgs/{org}/tokens/{id}, for an admin token of the organisation: 200 the first time, 404
// afterwards.
void gw_token_api_revoke(struct gw_exchange *exchange);
// DELETE /auth/token: the same for the token that is sent, with any scope.
void gw_token_api_revoke_own(struct gw_exchange *exchange);
