// SPDX-License-Identifier: MIT
#pragma once
// The tokens of an organisation: listing and revoking them, under /orgs/{org}/tokens, and giving up
// one's own. The decision has been taken: but for that one, the caller holds an admin token of the
// organisation. Everything here works on the organisation of the caller's token, so a foreign id is
// simply not found. How tokens are made is gateway/api/issue.h.

struct gw_exchange;

// GET: one page, newest first.
void gw_token_api_list(struct gw_exchange *exchange);
// DELETE: 200 once, 404 ever after.
void gw_token_api_revoke(struct gw_exchange *exchange);
// DELETE /auth/token: the same for the token that was sent, whatever its scope.
void gw_token_api_revoke_own(struct gw_exchange *exchange);
