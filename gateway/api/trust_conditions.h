// SPDX-License-Identifier: MIT
#pragma once
// The conditions of a rule of trust as the database keeps them, and what they are found under: what
// gateway/oidc/rule.h makes of those that were given. Pure.

#include "base/arena.h"
#include "base/json.h"
#include "base/status.h"
#include "gateway/oidc/provider.h"

struct gw_trust_conditions {
    struct gw_str text;   // JSON: an object of lists
    struct gw_str anchor; // "repository=acme/tools"
};

// GW_INVALID: *wrong is a sentence that says what and what to do. GW_NO_MEMORY.
enum gw_status gw_trust_conditions_read(struct gw_arena *arena, struct gw_str kind,
                                        struct gw_json value,
                                        struct gw_trust_conditions *conditions,
                                        const char **wrong) GW_MUST_USE;
