// SPDX-License-Identifier: MIT
#pragma once
// CSV (RFC 4180) to rows: bytes in, calls of a sink out. The first line holds the names of the
// columns; an empty cell is none. What libcsv splits is strict: a quote inside of a cell without
// quotes ends the file, because nobody can tell where the next row begins.
//
// Cells hold secrets: they are kept in the memory of the reader alone, which deinit overwrites.

#include <csv.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "gateway/bulk/fields.h"

#define GW_CSV_ROW_BYTES_MAX (64 * 1024)

struct gw_csv_reader {
    struct gw_bulk_sink *sink;
    struct csv_parser parser;
    uint64_t line;     // of the byte that is fed next
    uint64_t row_line; // where the row begins
    bool is_in_row;
    bool has_header;
    bool is_row_too_long;
    enum gw_bulk_field columns[GW_BULK_FIELD_COUNT];
    size_t column_count;
    size_t cell_count; // of the row, those that have no column counted too
    struct gw_bulk_fields fields;
    char row[GW_CSV_ROW_BYTES_MAX];
    size_t row_used;
    enum gw_status status;
    char fault[GW_BULK_FAULT_LENGTH];
};

// GW_NO_MEMORY.
enum gw_status gw_csv_reader_init(struct gw_csv_reader *reader,
                                  struct gw_bulk_sink *sink) GW_MUST_USE;
void gw_csv_reader_deinit(struct gw_csv_reader *reader);
// GW_INVALID: it is no file of tokens from here on; `fault` says why, and in which line. Rows
// before that have been told of.
enum gw_status gw_csv_reader_feed(struct gw_csv_reader *reader, struct gw_str bytes) GW_MUST_USE;
// The file ends here. GW_INVALID as above.
enum gw_status gw_csv_reader_finish(struct gw_csv_reader *reader) GW_MUST_USE;
