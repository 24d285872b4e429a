// SPDX-License-Identifier: MIT
#include "gateway/bulk/csv_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- libcsv ----

// One block, never outgrown: a larger one would leave a copy of a secret behind.
static void *grow(void *block, size_t bytes) {
    return bytes > GW_CSV_ROW_BYTES_MAX ? NULL : realloc(block, bytes);
}

// Blanks belong to a cell (RFC 4180 section 2).
static int is_space(unsigned char c) {
    (void)c;
    return 0;
}

enum gw_status gw_csv_reader_init(struct gw_csv_reader *reader, struct gw_bulk_sink *sink) {
    memset(reader, 0, sizeof(*reader));
    reader->sink = sink;
    reader->line = 1;
    if (csv_init(&reader->parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
        return GW_NO_MEMORY;
    csv_set_realloc_func(&reader->parser, grow);
    csv_set_blk_size(&reader->parser, GW_CSV_ROW_BYTES_MAX);
    csv_set_space_func(&reader->parser, is_space);
    return GW_OK;
}

void gw_csv_reader_deinit(struct gw_csv_reader *reader) {
    if (reader->parser.entry_buf != NULL)
        gw_bytes_wipe(reader->parser.entry_buf, csv_get_buffer_size(&reader->parser));
    csv_free(&reader->parser);
    gw_bytes_wipe(reader->row, sizeof(reader->row));
}

static void fail(struct gw_csv_reader *reader, uint64_t line, const char *why) {
    if (reader->status != GW_OK)
        return;
    reader->status = GW_INVALID;
    (void)snprintf(reader->fault, sizeof(reader->fault), "line %" PRIu64 ": %s", line, why);
}

// ---- the header ----

static void add_column(struct gw_csv_reader *reader, struct gw_str name) {
    char why[GW_BULK_FAULT_LENGTH];
    enum gw_bulk_field field;
    if (!gw_bulk_field_find(name, &field)) {
        gw_bulk_field_complain(name, why);
        fail(reader, reader->row_line, why);
        return;
    }
    for (size_t i = 0; i < reader->column_count; i++) {
        if (reader->columns[i] == field) {
            fail(reader, reader->row_line, "a column is there twice");
            return;
        }
    }
    reader->columns[reader->column_count++] = field;
}

// ---- rows ----

static void add_cell(struct gw_csv_reader *reader, struct gw_str cell) {
    size_t place = reader->cell_count++;
    if (cell.length == 0 || place >= reader->column_count)
        return;
    if (cell.length > sizeof(reader->row) - reader->row_used) {
        reader->is_row_too_long = true;
        return;
    }
    char *at = reader->row + reader->row_used;
    memcpy(at, cell.at, cell.length);
    reader->row_used += cell.length;
    reader->fields.text[reader->columns[place]] = gw_str(at, cell.length);
}

static void on_cell(void *bytes, size_t length, void *argument) {
    struct gw_csv_reader *reader = argument;
    struct gw_str cell = gw_str(bytes, length);
    if (reader->status != GW_OK)
        return;
    if (reader->has_header)
        add_cell(reader, cell);
    else
        add_column(reader, cell);
}

static void tell(struct gw_csv_reader *reader) {
    char why[GW_BULK_FAULT_LENGTH];
    reader->fields.line = reader->row_line;
    if (reader->cell_count != reader->column_count) {
        (void)snprintf(why, sizeof(why), "it has %zu cells, the first line names %zu columns",
                       reader->cell_count, reader->column_count);
        reader->sink->on_bad_row(reader->sink, reader->row_line, why);
    } else if (reader->is_row_too_long) {
        reader->sink->on_bad_row(reader->sink, reader->row_line, "it is longer than 64 KiB");
    } else {
        reader->sink->on_row(reader->sink, &reader->fields);
    }
}

static void on_row_end(int terminator, void *argument) {
    (void)terminator;
    struct gw_csv_reader *reader = argument;
    reader->is_in_row = false;
    if (reader->status != GW_OK)
        return;
    if (reader->has_header)
        tell(reader);
    reader->has_header = true;
    reader->cell_count = 0;
    reader->row_used = 0;
    reader->is_row_too_long = false;
    reader->fields = (struct gw_bulk_fields){.line = 0};
}

// ---- feeding ----

static void explain(struct gw_csv_reader *reader) {
    if (csv_error(&reader->parser) == CSV_EPARSE)
        fail(reader, reader->line, "a quote stands where RFC 4180 allows none");
    else
        fail(reader, reader->row_line, "a cell is longer than 64 KiB: is a quote not closed?");
}

static bool is_blank(struct gw_str piece) {
    for (size_t i = 0; i < piece.length; i++) {
        if (piece.at[i] != '\r' && piece.at[i] != '\n')
            return false;
    }
    return true;
}

// A line or a part of one, so that it is known where a row begins.
static void feed_piece(struct gw_csv_reader *reader, struct gw_str piece) {
    if (!reader->is_in_row)
        reader->row_line = reader->line;
    reader->is_in_row = reader->is_in_row || !is_blank(piece);
    if (csv_parse(&reader->parser, piece.at, piece.length, on_cell, on_row_end, reader) !=
        piece.length)
        explain(reader);
}

enum gw_status gw_csv_reader_feed(struct gw_csv_reader *reader, struct gw_str bytes) {
    while (bytes.length > 0 && reader->status == GW_OK) {
        size_t end = gw_str_find(bytes, '\n');
        bool has_end = end < bytes.length;
        size_t length = has_end ? end + 1 : bytes.length;
        feed_piece(reader, gw_str_slice(bytes, 0, length));
        reader->line += has_end ? 1 : 0;
        bytes = gw_str_slice(bytes, length, bytes.length);
    }
    return reader->status;
}

enum gw_status gw_csv_reader_finish(struct gw_csv_reader *reader) {
    if (reader->status != GW_OK)
        return reader->status;
    if (csv_fini(&reader->parser, on_cell, on_row_end, reader) != 0)
        fail(reader, reader->row_line, "a quote is not closed");
    else if (!reader->has_header)
        fail(reader, 1, "the file is empty: its first line holds the names of the columns");
    return reader->status;
}
