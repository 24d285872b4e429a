// SPDX-License-Identifier: MIT
#pragma once
// The body of a change of a token, read and checked. Pure.

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "gateway/api/token_limits.h"
#include "gateway/http/errors.h"

struct gw_change_request {
    struct gw_str name;        // .at NULL: not given
    struct gw_str description; // .at NULL: not given; empty: null was
    int64_t expires_ms;        // DB_NO_TIME: not given
    gw_scope_set scopes;       // 0: not given
    bool has_addresses;
    struct gw_token_addresses addresses;
};
// False: *refusal is 400 for a body that is not JSON, 422 for anything else, also for a body that
// changes nothing, and names the member. `now_ms` is wall clock.
bool gw_change_request_parse(struct gw_arena *arena, struct gw_str body, int64_t now_ms,
                             struct gw_change_request *request,
                             struct gw_refusal *refusal) GW_MUST_USE;
