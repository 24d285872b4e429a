// SPDX-License-Identifier: MIT
#pragma once
// GET /orgs/{org}/audit: what was done to the tokens of the organisation, by whom, from where,
// newest first. The caller holds an admin token of it. Written by the database itself
// (db/sql/0003_token_life.sql); here it is only shown.

struct gw_exchange;

void gw_audit_api_list(struct gw_exchange *exchange);
