// SPDX-License-Identifier: MIT
#pragma once
// A byte queue with a cap: bytes are appended at the end and taken from the front. Grows by
// doubling up to `capacity_max`, past which appends fail with GW_TOO_BIG and change nothing. Empty
// buffers hold no memory after gw_buf_deinit, and gw_buf_take of the last byte rewinds to the start
// of the block, so a steady producer and consumer never move bytes.

#include <stdarg.h>
#include <stddef.h>

#include "base/status.h"
#include "base/str.h"

struct gw_buf {
    char *memory;
    size_t start;
    size_t end;
    size_t capacity;
    size_t capacity_max;
};

void gw_buf_init(struct gw_buf *buf, size_t capacity_max);
// Frees the block; the buffer may be used again.
void gw_buf_deinit(struct gw_buf *buf);
// The same for a buffer that held a secret: overwrites the block first. A block that was outgrown
// before is not reached, so reserve enough at the start.
void gw_buf_deinit_wiped(struct gw_buf *buf);

static inline size_t gw_buf_length(const struct gw_buf *buf) {
    return buf->end - buf->start;
}
// Valid until the next call that is not const.
static inline struct gw_str gw_buf_bytes(const struct gw_buf *buf) {
    if (buf->memory == NULL)
        return GW_STR("");
    return gw_str(buf->memory + buf->start, buf->end - buf->start);
}

// gw_buf_reserve where the block has no room behind its last byte.
enum gw_status gw_buf_make_room(struct gw_buf *buf, size_t length, char **at) GW_MUST_USE;
// Room for `length` more bytes in one piece at *at; gw_buf_commit then adds the bytes written.
GW_MUST_USE GW_INLINE enum gw_status gw_buf_reserve(struct gw_buf *buf, size_t length, char **at) {
    if (buf->memory == NULL || length > buf->capacity - buf->end)
        return gw_buf_make_room(buf, length, at);
    *at = buf->memory + buf->end;
    return GW_OK;
}
GW_INLINE void gw_buf_commit(struct gw_buf *buf, size_t length) {
    gw_assert(length <= buf->capacity - buf->end);
    buf->end += length;
}
// gw_buf_commit of the bytes up to `end`.
GW_INLINE void gw_buf_commit_to(struct gw_buf *buf, const char *end) {
    gw_buf_commit(buf, (size_t)(end - (buf->memory + buf->end)));
}
enum gw_status gw_buf_append(struct gw_buf *buf, const void *bytes, size_t length) GW_MUST_USE;
enum gw_status gw_buf_append_str(struct gw_buf *buf, struct gw_str str) GW_MUST_USE;
enum gw_status gw_buf_printf(struct gw_buf *buf, const char *format, ...) GW_MUST_USE
    __attribute__((format(printf, 2, 3)));
// Drops `length` bytes from the front.
void gw_buf_take(struct gw_buf *buf, size_t length);
// Drops `length` bytes from the back.
void gw_buf_take_back(struct gw_buf *buf, size_t length);
void gw_buf_clear(struct gw_buf *buf);

// For pools of blocks. Gives a buffer that holds no memory a block of `bytes` from malloc, which it
// then outgrows or frees like one of its own.
void gw_buf_adopt(struct gw_buf *buf, char *block, size_t bytes);
// Takes the block, or NULL, away from an empty buffer; *bytes is its size for gw_buf_adopt.
char *gw_buf_release(struct gw_buf *buf, size_t *bytes);
