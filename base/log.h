// SPDX-License-Identifier: MIT
#pragma once
// One line per event on stderr: `2026-01-31T12:00:00.000Z level component message key=value ...`,
// or the same as JSON (base/log_line.h). Values that came from outside go through gw_log_quoted.
// What would end a line or command a terminal is masked in the whole line, as a caller may forget
// to quote. Nobody waits for a line to be written, and a full disk never stops the service
// (base/log_writer.h). No secret is ever an argument.

#include "base/log_line.h"
#include "base/log_quote.h"
#include "base/str.h"

// Everything below `level` is dropped. Default GW_LOG_INFO.
void gw_log_set_level(enum gw_log_level level);
// Default GW_LOG_TEXT.
void gw_log_set_form(enum gw_log_form form);
// "debug", "info", "warning", "error".
enum gw_status gw_log_level_parse(struct gw_str name, enum gw_log_level *level) GW_MUST_USE;
// "text", "json".
enum gw_status gw_log_form_parse(struct gw_str name, enum gw_log_form *form) GW_MUST_USE;
void gw_log(enum gw_log_level level, const char *component, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// A line that is made of fields, for what is written often: no printf, no reading of the clock, and
// it may wait for others (base/log_writer.h). False: lines of this level are dropped. Otherwise
// fields follow (gw_log_line_put_...), and gw_log_finish.
bool gw_log_start(struct gw_log_line *line, enum gw_log_level level, const char *component,
                  int64_t wall_ms) GW_MUST_USE;
void gw_log_finish(struct gw_log_line *line);
