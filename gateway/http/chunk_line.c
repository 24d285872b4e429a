// SPDX-License-Identifier: MIT
#include "gateway/http/chunk_line.h"

#define DIGITS_MAX 16
#define CRLF_BYTES 2

void gw_http_chunk_line_begin(struct gw_http_chunk_line *line) {
    *line = (struct gw_http_chunk_line){.offset = 0};
}

void gw_http_chunk_line_advance(struct gw_http_chunk_line *line, size_t length) {
    line->offset += length;
}

void gw_http_chunk_line_extend(struct gw_http_chunk_line *line, size_t distance) {
    if (line->has_extension)
        return;
    uint64_t name_start = line->offset + distance;
    gw_assert(name_start > line->start);
    line->has_extension = true;
    line->digits = name_start - 1 - line->start; // without the semicolon
}

uint64_t gw_http_chunk_line_distance(const struct gw_http_chunk_line *line) {
    return line->offset < line->start ? line->start - line->offset : 0;
}

bool gw_http_chunk_line_ok(const struct gw_http_chunk_line *line) {
    if (line->offset <= line->start)
        return true;
    uint64_t length = line->offset - line->start;
    if (!line->has_extension)
        return length <= DIGITS_MAX + CRLF_BYTES;
    gw_assert(line->digits < length);
    return line->digits <= DIGITS_MAX && line->extension_bytes + (length - line->digits) <=
                                             GW_HTTP_CHUNK_EXTENSION_BYTES_MAX + CRLF_BYTES;
}

bool gw_http_chunk_line_end(struct gw_http_chunk_line *line, uint64_t chunk_bytes) {
    if (!gw_http_chunk_line_ok(line) || chunk_bytes > INT64_MAX)
        return false;
    uint64_t length = line->offset - line->start;
    if (line->has_extension)
        line->extension_bytes += (uint32_t)(length - line->digits - CRLF_BYTES);
    line->has_extension = false;
    line->start = line->offset + chunk_bytes + CRLF_BYTES;
    if (chunk_bytes == 0)
        line->start = UINT64_MAX; // trailers follow
    return true;
}
