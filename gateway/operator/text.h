// SPDX-License-Identifier: MIT
#pragma once
// How tables and sentences of the commands show what the database holds.

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"

#define GW_OPERATOR_TIME_LENGTH 16 // "2026-01-31 12:00", UTC

// DB_NO_TIME is `never`. Returns `out`, terminated.
const char *gw_operator_time_text(int64_t wall_ms, const char *never,
                                  char out[GW_OPERATOR_TIME_LENGTH + 1]);
// Appends a name, which is foreign text: controls masked as base/utf8.h says, so that it stays in
// its line, and a backslash in what a CI system would obey (base/runner_command.h). A name begins
// no line.
enum gw_status gw_operator_append_name(struct gw_buf *out, struct gw_str name) GW_MUST_USE;
// "1 live token", "1,234 live tokens"; returns `out`.
#define GW_OPERATOR_COUNT_LENGTH 40
const char *gw_operator_tokens_text(int64_t count, char out[GW_OPERATOR_COUNT_LENGTH]);
// "1,234"; returns `out`.
const char *gw_operator_count_text(uint64_t count, char out[GW_OPERATOR_COUNT_LENGTH]);
// Ends the object of --json, and its line. Errors of the writer and of the buffer.
enum gw_status gw_operator_end_json(struct gw_json_writer *json, struct gw_buf *out) GW_MUST_USE;
