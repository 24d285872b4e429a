// SPDX-License-Identifier: MIT
#pragma once
// GET /orgs/{org}/tokens: a page of the organisation's tokens, the live ones unless asked for all;
// and GET /orgs/{org}/tokens/{id}: one of them, in every state. The caller holds an admin token of
// the organisation. gateway/api/issue.h makes tokens, gateway/api/revoke.h revokes them.

struct gw_exchange;

void gw_token_api_list(struct gw_exchange *exchange);
void gw_token_api_show(struct gw_exchange *exchange);
