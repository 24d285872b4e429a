// SPDX-License-Identifier: MIT
#pragma once
// The body of a revocation of many tokens, read and checked. Pure.

#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"
#include "gateway/http/errors.h"

struct gw_bulk_request {
    const struct gw_str *ids; // in the arena; slices of the body, or of the arena
    int count;                // 1 to GW_BULK_REVOKE_MAX, no two the same
};
// False: *refusal is 400 for a body that is not JSON, 422 for anything else, and names the member.
bool gw_bulk_request_parse(struct gw_arena *arena, struct gw_str body,
                           struct gw_bulk_request *request, struct gw_refusal *refusal) GW_MUST_USE;
