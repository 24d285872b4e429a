// SPDX-License-Identifier: MIT
#pragma once
// A file of tokens to rows, in whichever of the two formats it is: its first character tells, a
// brace is JSON lines. A byte order mark before it is left out.

#include <stdbool.h>

#include "base/status.h"
#include "gateway/bulk/csv_reader.h"
#include "gateway/bulk/json_lines_reader.h"

// Large: on the heap, or static.
struct gw_bulk_reader {
    struct gw_bulk_sink *sink;
    enum gw_bulk_format format;
    char head[64]; // until it is known what the file begins with
    size_t head_length;
    bool has_begun;
    struct gw_csv_reader csv;
    struct gw_json_lines_reader json_lines;
};

// GW_NO_MEMORY: nothing is to be deinitialised.
enum gw_status gw_bulk_reader_init(struct gw_bulk_reader *reader, enum gw_bulk_format format,
                                   struct gw_bulk_sink *sink) GW_MUST_USE;
void gw_bulk_reader_deinit(struct gw_bulk_reader *reader);
// GW_INVALID: the rest cannot be read; gw_bulk_reader_fault says why, and in which line.
enum gw_status gw_bulk_reader_feed(struct gw_bulk_reader *reader, struct gw_str bytes) GW_MUST_USE;
enum gw_status gw_bulk_reader_finish(struct gw_bulk_reader *reader) GW_MUST_USE;
const char *gw_bulk_reader_fault(const struct gw_bulk_reader *reader);
