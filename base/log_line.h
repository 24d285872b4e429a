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
#include <string.h>

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

struct gw_str gw_log_level_text(enum gw_log_level level);

// In this order: begin, a message or fields, end.
void gw_log_line_begin(struct gw_log_line *line, enum gw_log_form form, enum gw_log_level level,
                       const char *component, int64_t wall_ms);
// A message with fields inside, "connection lost attempt=3 reason=\"...\"", which JSON takes apart:
// a field is a number there if `format`, from which printf made the message, says so of its key.
void gw_log_line_put_message(struct gw_log_line *line, struct gw_str message, const char *format);
// Fields. A word is one of ours or was checked: printable ASCII without blanks, quotes and
// backslashes. A text is anything, and is quoted. Nothing (an empty word, a text whose .at is NULL)
// is "-", in JSON null.
static inline void gw_log_line_put_word(struct gw_log_line *line, struct gw_str key,
                                        struct gw_str word);
static inline void gw_log_line_put_text(struct gw_log_line *line, struct gw_str key,
                                        struct gw_str text);
static inline void gw_log_line_put_number(struct gw_log_line *line, struct gw_str key,
                                          uint64_t number);
// Milliseconds with three digits behind the point.
static inline void gw_log_line_put_ms(struct gw_log_line *line, struct gw_str key,
                                      uint64_t nanoseconds);
// The line with its line feed; valid as long as `line`.
struct gw_str gw_log_line_end(struct gw_log_line *line);

// ---- a field is a key and a value ----

#define GW_LOG_LINE_END_BYTES 2    // "}\n"
#define GW_LOG_LINE_VALUE_BYTES 40 // behind each key, at least; a number fits in

// Inline, as the key is a literal, of a length that is known. False: the line is full, and the
// field is left out. Otherwise a value has to follow, of which `value_bytes` find room as well.
static inline bool gw_log_line_put_key(struct gw_log_line *line, struct gw_str key,
                                       size_t value_bytes) {
    if (line->length + key.length + value_bytes >
        sizeof(line->bytes) - GW_LOG_LINE_END_BYTES - GW_LOG_LINE_VALUE_BYTES)
        line->is_full = true;
    if (line->is_full)
        return false;
    char *at = line->bytes + line->length;
    if (line->form == GW_LOG_JSON) {
        *at++ = ',';
        *at++ = '"';
        memcpy(at, key.at, key.length);
        at += key.length;
        *at++ = '"';
        *at++ = ':';
    } else {
        *at++ = ' ';
        memcpy(at, key.at, key.length);
        at += key.length;
        *at++ = '=';
    }
    line->length = (size_t)(at - line->bytes);
    return true;
}

void gw_log_line_put_word_value(struct gw_log_line *line, struct gw_str word);
void gw_log_line_put_text_value(struct gw_log_line *line, struct gw_str text);
void gw_log_line_put_number_value(struct gw_log_line *line, uint64_t number);
void gw_log_line_put_ms_value(struct gw_log_line *line, uint64_t nanoseconds);

static inline void gw_log_line_put_word(struct gw_log_line *line, struct gw_str key,
                                        struct gw_str word) {
    if (gw_log_line_put_key(line, key, word.length))
        gw_log_line_put_word_value(line, word);
}

static inline void gw_log_line_put_text(struct gw_log_line *line, struct gw_str key,
                                        struct gw_str text) {
    if (gw_log_line_put_key(line, key, 0))
        gw_log_line_put_text_value(line, text);
}

static inline void gw_log_line_put_number(struct gw_log_line *line, struct gw_str key,
                                          uint64_t number) {
    if (gw_log_line_put_key(line, key, 0))
        gw_log_line_put_number_value(line, number);
}

static inline void gw_log_line_put_ms(struct gw_log_line *line, struct gw_str key,
                                      uint64_t nanoseconds) {
    if (gw_log_line_put_key(line, key, 0))
        gw_log_line_put_ms_value(line, nanoseconds);
}
