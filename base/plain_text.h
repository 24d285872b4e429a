// SPDX-License-Identifier: MIT
#pragma once
// Text that stands in a string of JSON, or between the quotes of a line of the log, as it is:
// printable ASCII without " & < > \. Pure.

#include "base/str.h"

// Copies `text` up to its first byte that is none of these, and returns how many bytes that is.
// `out` has room for all of it.
size_t gw_plain_copy(char *out, struct gw_str text);
