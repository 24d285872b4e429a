// SPDX-License-Identifier: MIT
#pragma once
// GET /orgs/{org}/tokens: one page of the organisation's live tokens, newest first. The caller
// holds an admin token of the organisation. gateway/api/issue.h makes tokens, gateway/api/revoke.h
// revokes them.

struct gw_exchange;

void gw_token_api_list(struct gw_exchange *exchange);
