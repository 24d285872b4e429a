// SPDX-License-Identifier: MIT
#pragma once
// A time in the past as it is typed: 12h or 7d ago, a date (2026-12-31, as that day begins, UTC),
// or a time of RFC 3339.

#include <stdint.h>

#include "base/str.h"

// `now_ms` and *moment_ms are since 1970. GW_INVALID: another form.
enum gw_status cli_moment_parse(struct gw_str text, int64_t now_ms, int64_t *moment_ms) GW_MUST_USE;
// A date or a time alone, past or to come.
enum gw_status cli_moment_parse_time(struct gw_str text, int64_t *moment_ms) GW_MUST_USE;
