// SPDX-License-Identifier: MIT
#pragma once
// The audit: what was done to the tokens of an organisation, newest first. Rules of calls as in
// db/tokens.h.

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
    struct gw_str action; // "create", "import", "rotate", "revoke"
    struct gw_str token_id;
    struct gw_str token_name;
    struct gw_str successor_id;   // of a rotation; else .at NULL
    struct gw_str actor_token_id; // .at NULL: an operator
    struct gw_str actor_name;
    struct gw_str address; // .at NULL: of an operator, or unknown
};

struct db_audit_list {
    struct db_query query;
    struct gw_str org_id;
    int64_t before; // only events with a lower id
    uint32_t limit; // 1 to GW_LIST_LIMIT_MAX
    void (*on_done)(struct db_audit_list *list, enum gw_status status,
                    const struct db_audit_event *events, int count, bool has_more);
};
// GW_INVALID: the limit.
enum gw_status db_audit_list(struct db_pool *pool, struct db_audit_list *list) GW_MUST_USE;
