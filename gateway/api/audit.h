// SPDX-License-Identifier: MIT
#pragma once
// GET /orgs/{org}/audit: the changes of the organisation's tokens with actor and address, newest
// first. The caller holds an admin token of it. The database itself writes the events
// (db/sql/0003_token_life.sql); this handler shows them.

struct gw_exchange;

void gw_audit_api_list(struct gw_exchange *exchange);
