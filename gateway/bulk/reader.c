// SPDX-License-Identifier: MIT
#include "gateway/bulk/reader.h"

#include <string.h>

#define BYTE_ORDER_MARK GW_STR("\xef\xbb\xbf")

enum gw_status gw_bulk_reader_init(struct gw_bulk_reader *reader, enum gw_bulk_format format,
                                   struct gw_bulk_sink *sink) {
    reader->sink = sink;
    reader->format = format;
    reader->head_length = 0;
    reader->has_begun = false;
    gw_json_lines_reader_init(&reader->json_lines, sink);
    return gw_csv_reader_init(&reader->csv, sink);
}

void gw_bulk_reader_deinit(struct gw_bulk_reader *reader) {
    gw_csv_reader_deinit(&reader->csv);
    gw_json_lines_reader_deinit(&reader->json_lines);
    gw_bytes_wipe(reader->head, sizeof(reader->head));
}

static enum gw_status pass_on(struct gw_bulk_reader *reader, struct gw_str bytes) {
    if (reader->format == GW_BULK_CSV)
        return gw_csv_reader_feed(&reader->csv, bytes);
    gw_json_lines_reader_feed(&reader->json_lines, bytes);
    return GW_OK;
}

// What was collected, without the mark; .at NULL: it may yet become one.
static struct gw_str without_mark(const struct gw_bulk_reader *reader) {
    struct gw_str head = gw_str(reader->head, reader->head_length);
    struct gw_str mark = BYTE_ORDER_MARK;
    if (gw_str_starts_with(head, mark))
        return gw_str_slice(head, mark.length, head.length);
    return gw_str_starts_with(mark, head) ? gw_str(NULL, 0) : head;
}

// False: the file has not begun yet. Blank lines at its beginning tell nothing.
static bool tell_format(struct gw_bulk_reader *reader) {
    struct gw_str head = without_mark(reader);
    size_t at = 0;
    while (at < head.length && memchr(" \t\r\n", head.at[at], 4) != NULL)
        at++;
    if (at == head.length)
        return false;
    if (reader->format == GW_BULK_BY_CONTENT)
        reader->format = head.at[at] == '{' ? GW_BULK_JSON_LINES : GW_BULK_CSV;
    return true;
}

static enum gw_status begin(struct gw_bulk_reader *reader) {
    if (reader->format == GW_BULK_BY_CONTENT)
        reader->format = GW_BULK_CSV;
    reader->has_begun = true;
    return pass_on(reader, without_mark(reader));
}

enum gw_status gw_bulk_reader_feed(struct gw_bulk_reader *reader, struct gw_str bytes) {
    while (!reader->has_begun && bytes.length > 0) {
        reader->head[reader->head_length++] = bytes.at[0];
        bytes = gw_str_slice(bytes, 1, bytes.length);
        bool is_full = reader->head_length == sizeof(reader->head);
        if (!tell_format(reader) && !is_full)
            continue;
        enum gw_status status = begin(reader);
        if (status != GW_OK)
            return status;
    }
    return bytes.length > 0 ? pass_on(reader, bytes) : GW_OK;
}

enum gw_status gw_bulk_reader_finish(struct gw_bulk_reader *reader) {
    enum gw_status status = reader->has_begun ? GW_OK : begin(reader);
    if (status != GW_OK)
        return status;
    if (reader->format == GW_BULK_CSV)
        return gw_csv_reader_finish(&reader->csv);
    gw_json_lines_reader_finish(&reader->json_lines);
    return GW_OK;
}

const char *gw_bulk_reader_fault(const struct gw_bulk_reader *reader) {
    return reader->csv.fault;
}
