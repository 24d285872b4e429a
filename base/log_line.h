// SPDX-License-Identifier: MIT
#pragma once
// One line of the log, in either form:
//
//   2026-01-31T12:00:00.000Z info server started version=0.1.0 environment=live
//   {"time":"2026-01-31T12:00:00.000Z","level":"info","component":"server","message":"started",
//    "version":"0.1.0","environment":"live"}
//
// The second is one line, too. A line is at most GW_LOG_LINE_BYTES_MAX bytes with its line feed:
// what is longer is cut with "...", and JSON stays JSON: the members that find no room are left
// out. No I/O, no allocation.

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define GW_LOG_LINE_BYTES_MAX 2048

enum gw_log_level { GW_LOG_DEBUG, GW_LOG_INFO, GW_LOG_WARNING, GW_LOG_ERROR };
enum gw_log_form { GW_LOG_TEXT, GW_LOG_JSON };

struct gw_log_line {
    enum gw_log_form form;
    bool is_full;
    size_t length;
    char bytes[GW_LOG_LINE_BYTES_MAX];
};

const char *gw_log_level_text(enum gw_log_level level);

// In this order: begin, a message or fields, end.
void gw_log_line_begin(struct gw_log_line *line, enum gw_log_form form, enum gw_log_level level,
                       const char *component);
// A message with fields inside, "connection lost attempt=3 reason=\"...\"", which JSON takes apart:
// a field is a number there if `format`, from which printf made the message, says so of its key.
void gw_log_line_put_message(struct gw_log_line *line, struct gw_str message, const char *format);
// Fields. A word is printable, without blanks and quotes; a text is anything, and is quoted.
// Nothing (an empty word, a text whose .at is NULL) is "-", in JSON null.
void gw_log_line_put_word(struct gw_log_line *line, const char *key, struct gw_str word);
void gw_log_line_put_text(struct gw_log_line *line, const char *key, struct gw_str text);
void gw_log_line_put_number(struct gw_log_line *line, const char *key, uint64_t number);
// Milliseconds with three digits behind the point.
void gw_log_line_put_ms(struct gw_log_line *line, const char *key, uint64_t nanoseconds);
// The line with its line feed; valid as long as `line`.
struct gw_str gw_log_line_end(struct gw_log_line *line);
