// SPDX-License-Identifier: MIT
#pragma once
// The target of a request (origin form, RFC 9112 section 3.2.1), taken apart only when every server
// behind the gateway reads it the same way. Works on raw bytes, and what is matched is what is
// forwarded. Pure.

#include <stdbool.h>

#include "base/status.h"
#include "base/str.h"

// Path and query (.at NULL without one) are slices of `target`, which may hold any bytes. False: it
// is over GW_HTTP_TARGET_BYTES_MAX, or can be read in two ways: dot segments plain or escaped,
// empty segments, a backslash, a control byte, an invalid or double escape, bytes that are not
// UTF-8. A slash at the end is no such trick.
bool gw_target_split(struct gw_str target, struct gw_str *path, struct gw_str *query) GW_MUST_USE;
// The raw value of the query parameter `name` (.at NULL: absent); *count says how often the query
// has it. A disguised name (escaped, in other letters, with brackets, behind blanks or ';') counts
// as two, for the registry might read it.
struct gw_str gw_target_parameter(struct gw_str query, struct gw_str name, int *count);
