// SPDX-License-Identifier: MIT
#pragma once
// One line per event on stderr: `2026-01-31T12:00:00.000Z level component message key=value ...`.
// Values that came from outside go through gw_log_quoted, which escapes quotes, backslash, control
// bytes and invalid UTF-8, so that nothing a peer sends can make a second line or field, or reach a
// terminal as a command. Such bytes are masked in the whole line, as a caller may forget to quote.
// A line is at most GW_LOG_LINE_BYTES_MAX bytes (cut with "..."), written with one write(2) that is
// allowed to fail: a full disk never stops the service. No secret is ever an argument.

#include "base/str.h"

#define GW_LOG_LINE_BYTES_MAX 2048

enum gw_log_level { GW_LOG_DEBUG, GW_LOG_INFO, GW_LOG_WARNING, GW_LOG_ERROR };

// Everything below `level` is dropped. Default GW_LOG_INFO. The only process-wide state of base.
void gw_log_set_level(enum gw_log_level level);
// "debug", "info", "warning", "error".
enum gw_status gw_log_level_parse(struct gw_str name, enum gw_log_level *level) GW_MUST_USE;
void gw_log(enum gw_log_level level, const char *component, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// `text` escaped and in double quotes, terminated, cut to fit; returns `out`, for use as an
// argument.
#define GW_LOG_QUOTED_BYTES_MAX 512
struct gw_log_quote {
    char text[GW_LOG_QUOTED_BYTES_MAX];
};
const char *gw_log_quoted(struct gw_log_quote *out, struct gw_str text);
