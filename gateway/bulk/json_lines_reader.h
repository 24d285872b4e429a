// SPDX-License-Identifier: MIT
#pragma once
// JSON lines to rows: an object a line, bytes in, calls of a sink out. Strings are taken as they
// are, lists of strings are joined by commas, null is none. A line that is no such object is told
// of, and the next one is read: a line end is never inside of a JSON text.
//
// Lines hold secrets: they are kept in the memory of the reader alone, which deinit overwrites.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "gateway/bulk/fields.h"

#define GW_JSON_LINE_BYTES_MAX (64 * 1024)

struct gw_json_lines_reader {
    struct gw_bulk_sink *sink;
    struct gw_arena arena; // of the line that is read
    uint64_t line;
    bool is_too_long;
    size_t used;
    char text[GW_JSON_LINE_BYTES_MAX];
    char joined[GW_JSON_LINE_BYTES_MAX]; // the lists
    size_t joined_used;
};

void gw_json_lines_reader_init(struct gw_json_lines_reader *reader, struct gw_bulk_sink *sink);
void gw_json_lines_reader_deinit(struct gw_json_lines_reader *reader);
void gw_json_lines_reader_feed(struct gw_json_lines_reader *reader, struct gw_str bytes);
// The file ends here; the last line need not.
void gw_json_lines_reader_finish(struct gw_json_lines_reader *reader);
