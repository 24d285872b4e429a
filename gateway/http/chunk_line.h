// SPDX-License-Identifier: MIT
#pragma once
// The lines that give the sizes of chunks (RFC 9112 section 7.1). llhttp bounds the number alone,
// neither its leading zeros nor the extensions behind it; this measures the lines by where llhttp
// stands in the body and bounds both. Pure: no I/O, no allocation.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define GW_HTTP_CHUNK_EXTENSION_BYTES_MAX 1024

struct gw_http_chunk_line {
    uint64_t offset;          // in the chunked body, of the first byte of this feed
    uint64_t start;           // as offset counts: of the line being read, or of the next one
    uint64_t digits;          // of the size before the extension
    uint32_t extension_bytes; // of this message, in lines that are complete
    bool has_extension;       // in the line being read
};

// The head has ended: the first line follows.
void gw_http_chunk_line_begin(struct gw_http_chunk_line *line);
// llhttp took `length` bytes of the body.
void gw_http_chunk_line_advance(struct gw_http_chunk_line *line, size_t length);
// The name of an extension begins `distance` bytes after offset.
void gw_http_chunk_line_extend(struct gw_http_chunk_line *line, size_t distance);
// How many bytes of data (and their line end) come before the next line; 0: inside a line.
uint64_t gw_http_chunk_line_distance(const struct gw_http_chunk_line *line);
// The line as far as it was read.
bool gw_http_chunk_line_ok(const struct gw_http_chunk_line *line);
// The line has ended, and `chunk_bytes` of data follow; 0 for the last one. False: the line or the
// number is too long.
bool gw_http_chunk_line_end(struct gw_http_chunk_line *line, uint64_t chunk_bytes) GW_MUST_USE;
