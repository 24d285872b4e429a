// SPDX-License-Identifier: MIT
#pragma once
// The end of a token as it is typed: in 12h or 90d from now, on 2026-12-31 (as that day begins,
// UTC), or at a time of RFC 3339.

#include <stdint.h>

#include "base/str.h"

#define CLI_EXPIRY_YEARS_MAX 100

// To milliseconds since 1970; `now_ms` is too. GW_INVALID: another form; GW_CONFLICT: not
// after `now_ms`; GW_TOO_BIG: more than CLI_EXPIRY_YEARS_MAX years after it.
enum gw_status cli_expiry_parse(struct gw_str text, int64_t now_ms,
                                int64_t *expires_ms) GW_MUST_USE;
