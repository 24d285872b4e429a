// SPDX-License-Identifier: MIT
#pragma once
// The query of GET /orgs/{org}/audit, read and checked. Pure. The sentence of a refusal names the
// parameter.
//
// before, after  the id of an event: those before it, newest first, or those after it, oldest
//                first; one of the two
// limit          1 to 200
// token          events of the token, or the rule, with this id: what was done to it, and the
//                rotation that made it
// actor          the id of the token, or the rule, that did it, "operator", "registry", "gitlab" or
//                "expiry"
// action         one of those that the audit has
// since, until   times: since the first, before the second
//
// Each once at the most; others are ignored.

#include <stdbool.h>

#include "base/str.h"
#include "db/audit.h"
#include "gateway/http/errors.h"

struct gw_audit_request {
    struct db_audit_filter filter; // its texts are slices of the query
    uint32_t limit;                // 1 to GW_LIST_LIMIT_MAX
};

// `query` raw, .at NULL without one. False: *refusal is 422, its message static.
bool gw_audit_request_parse(struct gw_str query, struct gw_audit_request *request,
                            struct gw_refusal *refusal) GW_MUST_USE;
