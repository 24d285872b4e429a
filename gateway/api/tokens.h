// SPDX-License-Identifier: MIT
#pragma once
// The tokens of an organisation, under /orgs/{org}/tokens: list them and revoke one, which takes an
// admin token of the organisation; and revoke the token that is sent. All of it works within the
// organisation of the caller's token, so a foreign id is not found. gateway/api/issue.h makes
// tokens.

struct gw_exchange;

// GET: one page, newest first.
void gw_token_api_list(struct gw_exchange *exchange);
// DELETE: 200 the first time, 404 afterwards.
void gw_token_api_revoke(struct gw_exchange *exchange);
// DELETE /auth/token: the same for the token that is sent, with any scope.
void gw_token_api_revoke_own(struct gw_exchange *exchange);
