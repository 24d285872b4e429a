// SPDX-License-Identifier: MIT
#pragma once
// Text from outside, as it may stand in a line of the log. In the text form it is in double quotes,
// with quotes, backslash, control bytes and invalid UTF-8 escaped; in JSON it is a string. Either
// way nothing that a peer sends can make a second line or field, or reach a terminal as a command.

#include "base/str.h"

// `text` escaped and in double quotes, terminated, cut to fit with "..."; returns `out`, for use as
// an argument of gw_log.
#define GW_LOG_QUOTED_BYTES_MAX 512
struct gw_log_quote {
    char text[GW_LOG_QUOTED_BYTES_MAX];
};
const char *gw_log_quoted(struct gw_log_quote *out, struct gw_str text);

// The same into `room` bytes (8 or more), without a terminator, as JSON or not; returns the length.
size_t gw_log_quote_into(char *out, size_t room, struct gw_str text, bool is_json);
// Takes the first character of what gw_log_quoted wrote between its quotes: the escape that it may
// be becomes the one of JSON. Writes at most 6 bytes, returns how many.
size_t gw_log_quote_to_json(struct gw_str *quoted, char out[8]);
