// SPDX-License-Identifier: MIT
#pragma once
// Rules of trust of an organisation, for its admin tokens: whose identities are exchanged for its
// tokens. A rule as the API shows it: {id,kind,issuer,conditions,scopes,expiresIn,allowedIps,
// exchangesPerMinute,createdAt}; expiresIn is how many seconds its tokens live at the most.

struct gw_exchange;

// GET /orgs/{org}/trust: those that are live, newest first. `next` is for `after`, null at the end.
void gw_trust_api_list(struct gw_exchange *exchange);
// GET /orgs/{org}/trust/{id}: besides, who made it and how much it is used.
void gw_trust_api_show(struct gw_exchange *exchange);
// POST /orgs/{org}/trust: 201; 200 with the rule that says the same, if there is one.
void gw_trust_api_create(struct gw_exchange *exchange);
// DELETE /orgs/{org}/trust/{id}: its tokens end, as by a revocation (`wait`).
void gw_trust_api_remove(struct gw_exchange *exchange);
