// SPDX-License-Identifier: MIT
#pragma once
// The audit: what was done to the tokens of an organisation, in the order in which it was done or
// against it. Rules of calls as in db/tokens.h.

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "db/pool.h"
#include "db/query.h"

extern const struct db_statement db_audit_list_statement;

struct db_audit_event {
    int64_t id;
    int64_t at_ms;
    // "create", "import", "rotate", "revoke", "change", "expire", "exchange", "approve"; "trust",
    // "untrust"
    struct gw_str action;
    struct gw_str token_id; // of the last two the rule, with its kind and anchor as its name
    struct gw_str token_name;
    struct gw_str successor_id;   // of a rotation; else .at NULL
    struct gw_str actor_token_id; // .at NULL: an operator, or nobody
    bool by_rule;                 // it is the id of a rule
    struct gw_str actor_name;
    struct gw_str address; // .at NULL: of an operator, or unknown
    int64_t ended_ms;      // of an expiry, and when a token ends of an exchange; else DB_NO_TIME
    struct gw_str changed; // of a change, its members: "name, scopes"; else .at NULL
    // JSON: of an exchange who the token was made for, of an approval who asked and what was given,
    // of a rule what it says; else .at NULL.
    struct gw_str facts;
};

enum db_audit_order { DB_AUDIT_NEWEST_FIRST, DB_AUDIT_OLDEST_FIRST };

// Which events: all that is given holds of each.
struct db_audit_filter {
    enum db_audit_order order;
    int64_t position;       // newest first: events with a lower id; oldest first: with a higher one
    struct gw_str token_id; // what was done to it, or made it; .at NULL: any, here and below
    struct gw_str actor;    // id of a token, "operator", "registry", "gitlab" or "expiry"
    struct gw_str action;
    int64_t since_ms; // DB_NO_TIME: any
    int64_t until_ms; // not included; DB_NO_TIME: any
};
// All events, newest first.
extern const struct db_audit_filter db_audit_filter_none;

struct db_audit_list {
    struct db_query query;
    struct gw_str org_id;
    struct db_audit_filter filter;
    uint32_t limit; // 1 to GW_LIST_LIMIT_MAX
    void (*on_done)(struct db_audit_list *list, enum gw_status status,
                    const struct db_audit_event *events, int count, bool has_more);
};
// GW_INVALID: the limit.
enum gw_status db_audit_list(struct db_pool *pool, struct db_audit_list *list) GW_MUST_USE;
