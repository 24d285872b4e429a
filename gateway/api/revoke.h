// SPDX-License-Identifier: MIT
#pragma once
// A revocation of one token, with `successors` or `chain` of those that rotation ties to it too,
// with `rules` of the rules of trust that they made (gateway/api/revoked_rules.h), and with `wait`
// answered when the other gateways have applied it (docs/design/revocation.md). It works within the
// organisation of the caller's token, so a foreign id is not found.

struct gw_exchange;

// DELETE /orgs/{org}/tokens/{id}, for an admin token of the organisation: 200 the first time, 404
// afterwards; 409 when it would leave no live admin token, without `last`.
void gw_token_api_revoke(struct gw_exchange *exchange);
// DELETE /auth/token: the same for the token that is sent, with any scope.
void gw_token_api_revoke_own(struct gw_exchange *exchange);
