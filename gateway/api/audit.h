// SPDX-License-Identifier: MIT
#pragma once
// GET /orgs/{org}/audit: the changes of the organisation's tokens with actor and address, as
// gateway/api/audit_request.h asks for them. The caller holds an admin token of it. The database
// itself writes the events (db/sql/0003_token_life.sql); this handler shows them.
//
// `next` goes on where the answer ends. Newest first it is `before` of the next page, null on the
// last one. Oldest first it is always there, as `after`: events that come later follow it without a
// gap, since their ids rise in the order of the commits.

struct gw_exchange;

void gw_audit_api_list(struct gw_exchange *exchange);
