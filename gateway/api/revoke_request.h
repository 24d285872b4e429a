// SPDX-License-Identifier: MIT
#pragma once
// The query of a request that takes rights away: of a revocation, of several, of a change. Pure.
// The sentence of a refusal names the parameter, also one that is not known.

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "db/token_revoke.h"
#include "gateway/http/errors.h"

#define GW_REVOKE_WAIT_MS_MAX 30000

// What all of them take.
struct gw_ending_request {
    uint64_t wait_ms;  // of `wait`: "5", "5s", "500ms"; 0 when not asked for. At most
                       // GW_REVOKE_WAIT_MS_MAX
    bool may_end_last; // of `last`: "true" or "false"
};
bool gw_ending_request_parse(struct gw_arena *arena, struct gw_str query,
                             struct gw_ending_request *request,
                             struct gw_refusal *refusal) GW_MUST_USE;

// `wait` alone, of what ends no admin token.
bool gw_wait_request_parse(struct gw_arena *arena, struct gw_str query, uint64_t *wait_ms,
                           struct gw_refusal *refusal) GW_MUST_USE;

struct gw_revoke_request {
    struct gw_ending_request ending;
    enum db_revoke_kin kin; // of `successors` and `chain`: "true" or "false"; the chain has both
    bool with_rules;        // of `rules`: also the rules of trust that they made
};
bool gw_revoke_request_parse(struct gw_arena *arena, struct gw_str query,
                             struct gw_revoke_request *request,
                             struct gw_refusal *refusal) GW_MUST_USE;
// Of several at once: each alone.
bool gw_bulk_revoke_request_parse(struct gw_arena *arena, struct gw_str query,
                                  struct gw_revoke_request *request,
                                  struct gw_refusal *refusal) GW_MUST_USE;
