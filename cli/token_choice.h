// SPDX-License-Identifier: MIT
#pragma once
// Whether a token of the list is one of those that were asked for. A gateway that is older than a
// parameter ignores it and sends every token, so whoever changes what the list chose looks at each
// row. Pure.

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"

struct cli_token_choice {
    int64_t older_ms;        // made that long ago, or longer; 0: whenever
    int64_t unused_ms;       // not used, or never and made, for that long; 0: any
    struct gw_str name_part; // in any case of a-z; empty: any
    struct gw_str scope;     // empty: any
};

// `now_ms` by the clock of the gateway that sent the row. GW_INVALID: it lacks a member that the
// answer depends on; one that was never used says so with null.
enum gw_status cli_token_choice_judge(const struct cli_token_choice *choice, struct gw_json token,
                                      int64_t now_ms, struct gw_arena *arena,
                                      bool *is_chosen) GW_MUST_USE;
