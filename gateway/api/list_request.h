// SPDX-License-Identifier: MIT
#pragma once
// What the list of tokens is asked for, read from its query. Pure. Unknown parameters are ignored,
// as in every request that only reads; a wrong value of a known one is refused by its name. Of one
// that is given twice the last counts.

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "db/token_list.h"
#include "gateway/http/errors.h"

struct gw_list_request {
    bool by_cursor; // `after` is given, so the answer has `next` and no `pagination`
    struct db_token_position after;
    uint32_t page;  // from 1
    uint32_t limit; // 1 to GW_LIST_LIMIT_MAX, by a cursor to GW_LIST_AFTER_LIMIT_MAX
    enum db_token_order order;
    struct db_token_filter filter;
};

// `query` raw, .at NULL without one. Slices are of `query` or `arena`. False: *refusal is 422, or
// 503 without memory.
bool gw_list_request_parse(struct gw_arena *arena, struct gw_str query,
                           struct gw_list_request *request, struct gw_refusal *refusal) GW_MUST_USE;
