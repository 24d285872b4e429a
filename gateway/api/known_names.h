// SPDX-License-Identifier: MIT
#pragma once
// Requests that change something are held to the names that they may use: a misspelt restriction
// that is ignored makes a token that may do more than was asked for. Reading requests ignore what
// they do not know.

#include <stdbool.h>

#include "base/arena.h"
#include "base/json.h"
#include "gateway/http/errors.h"

// `known`: the names that count, joined by ", "; empty for none.
// False: *refusal is 422 and names the first one that is not known, and those that are. Its message
// is in `arena`. A name that may hold a token is not repeated.
bool gw_known_members_check(struct gw_arena *arena, struct gw_json object, struct gw_str known,
                            struct gw_refusal *refusal) GW_MUST_USE;
// The same for the names in a raw query; .at NULL without one.
bool gw_known_parameters_check(struct gw_arena *arena, struct gw_str query, struct gw_str known,
                               struct gw_refusal *refusal) GW_MUST_USE;
