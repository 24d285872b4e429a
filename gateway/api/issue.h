// SPDX-License-Identifier: MIT
#pragma once
// New tokens: created, or rotated, which makes the successor of another. Both read a JSON body,
// mint a secret, and answer 201 with it, this once. The caller holds an admin token of the
// organisation.

struct gw_exchange;

// POST /orgs/{org}/tokens.
void gw_token_issue_create(struct gw_exchange *exchange);
// POST /orgs/{org}/tokens/{id}/rotate, the body is optional. 404 when the old token is not live,
// 409 when it has a successor.
void gw_token_issue_rotate(struct gw_exchange *exchange);
