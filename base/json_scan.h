// SPDX-License-Identifier: MIT
#pragma once
// Whether a text is JSON as base/json.h defines it, except for duplicate keys: one pass over the
// bytes, with a bit for each open container, so neither recursion nor allocation.

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/str.h"

// *tokens: the values and keys of the text; *stopped_at: after GW_INVALID, the offending byte.
// GW_TOO_BIG: more than `tokens_max` tokens, or deeper than GW_JSON_DEPTH_MAX.
enum gw_status gw_json_scan(struct gw_str text, int tokens_max, int *tokens,
                            size_t *stopped_at) GW_MUST_USE;

// The halves of a \u pair.
static inline bool gw_json_is_high_surrogate(unsigned unit) {
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static inline bool gw_json_is_low_surrogate(unsigned unit) {
    return unit >= 0xDC00 && unit <= 0xDFFF;
}
