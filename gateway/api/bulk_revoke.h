// SPDX-License-Identifier: MIT
#pragma once
// POST /orgs/{org}/tokens/revoke, for an admin token of the organisation: ends up to
// GW_BULK_REVOKE_MAX tokens in one transaction, with `wait` and `last` as for one of them
// (gateway/api/revoke.h). 200 also when none of them was there: the answer says which.

struct gw_exchange;

void gw_bulk_revoke_start(struct gw_exchange *exchange);
