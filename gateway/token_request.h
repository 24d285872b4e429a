// SPDX-License-Identifier: MIT
#pragma once
// What the clients of the token API may ask for: the body of create and the query of list, checked. Pure. A refusal says
// which status, which code and one sentence that names the field.

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/scope.h"
#include "base/str.h"

struct gw_token_request {
    struct gw_str name;
    gw_scope_set scopes;
    int64_t expires_ms; // DB_NO_TIME: never
};

struct gw_refusal {
    int status;
    const char *code;
    const char *message;
};

// True: *request is filled; slices point into `body` or `arena`. False: *refusal is: 400 not JSON, 422 not acceptable.
// Unknown members are ignored. `now_ms` is wall clock.
bool gw_token_request_parse(struct gw_arena *arena, struct gw_str body, int64_t now_ms,
                            struct gw_token_request *request,
                            struct gw_refusal *refusal) GW_MUST_USE;

struct gw_page_request {
    uint32_t page;  // from 1
    uint32_t limit; // 1 to GW_LIST_LIMIT_MAX
};
// `query` raw, .at NULL when there is none.
bool gw_page_request_parse(struct gw_str query, struct gw_page_request *request,
                           struct gw_refusal *refusal) GW_MUST_USE;

// `wait` of a revoke: "5", "5s", "500ms"; 0 when not asked for. At most GW_REVOKE_WAIT_MS_MAX.
bool gw_revoke_wait_parse(struct gw_str query, uint64_t *wait_ms,
                          struct gw_refusal *refusal) GW_MUST_USE;

// "application/json", with or without parameters.
bool gw_is_json_content_type(struct gw_str content_type);
