// SPDX-License-Identifier: MIT
#pragma once
// Drops what stands behind the size of a chunk in a response: extensions, which a recipient ignores
// when it does not know them, with the blanks that are allowed around each of their parts (RFC 9112
// section 7.1.1), and blanks alone, with which some servers pad the size. llhttp takes no blanks
// there, and requests stay as strict as llhttp is. Pure: no I/O, no allocation.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

#define GW_HTTP_CHUNK_EXTENSION_STATES(X)                                                          \
    X(SIZE)        /* passes; what is wrong with it llhttp finds */                                \
    X(BEHIND_SIZE) /* blanks */                                                                    \
    X(BEFORE_NAME) /* behind the semicolon */                                                      \
    X(NAME)                                                                                        \
    X(BEHIND_NAME)                                                                                 \
    X(BEFORE_VALUE) /* behind the equals sign */                                                   \
    X(VALUE)                                                                                       \
    X(QUOTED)                                                                                      \
    X(ESCAPED)                                                                                     \
    X(BEHIND_VALUE)                                                                                \
    X(LINE_END) /* passes; llhttp wants CRLF */                                                    \
    X(REFUSED)

enum gw_http_chunk_extension_state {
#define X(name) GW_HTTP_CHUNK_##name,
    GW_HTTP_CHUNK_EXTENSION_STATES(X)
#undef X
};

struct gw_http_chunk_extension {
    enum gw_http_chunk_extension_state state;
    bool has_size;
    uint32_t dropped_bytes; // of this message
};

// The head has ended: the first line follows.
void gw_http_chunk_extension_begin(struct gw_http_chunk_extension *extension);
// A line has ended: another follows its data.
void gw_http_chunk_extension_begin_line(struct gw_http_chunk_extension *extension);
// The next bytes of the line, at least one if there is one, which either pass or are dropped.
// GW_INVALID: not as RFC 9112 has it, or more than GW_HTTP_CHUNK_EXTENSION_BYTES_MAX (chunk_line.h)
// in a message.
enum gw_status gw_http_chunk_extension_next(struct gw_http_chunk_extension *extension,
                                            struct gw_str bytes, size_t *length,
                                            bool *passes) GW_MUST_USE;
