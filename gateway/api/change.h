// SPDX-License-Identifier: MIT
#pragma once
// PATCH /orgs/{org}/tokens/{id}, for an admin token of the organisation: other words about a live
// token, or less that it may do, with `wait` and `last` as for a revocation. It answers with the
// token as it is then. This gateway obeys at once, requests under way included, the others when
// they hear of it (docs/design/revocation.md).

struct gw_exchange;

void gw_token_change_start(struct gw_exchange *exchange);
