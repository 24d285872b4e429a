// SPDX-License-Identifier: MIT
#pragma once
// Token management: create, list, revoke, under /orgs/{org}/tokens. The decision has been taken: the caller holds an admin
// token of the organisation. Everything here works on the organisation of that token, so a foreign id is simply not found.

struct gw_exchange;

// POST: reads a JSON body of at most GW_BODY_OWN_BYTES_MAX, answers 201 with the secret, this once.
void gw_token_api_create(struct gw_exchange *exchange);
// GET: one page, newest first.
void gw_token_api_list(struct gw_exchange *exchange);
// DELETE: 200 once, 404 ever after.
void gw_token_api_revoke(struct gw_exchange *exchange);
