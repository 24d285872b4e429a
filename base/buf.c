// SPDX-License-Identifier: MIT
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 512

void gw_buf_init(struct gw_buf *buf, size_t capacity_max) {
    *buf = (struct gw_buf){.capacity_max = capacity_max};
}

void gw_buf_deinit(struct gw_buf *buf) {
    free(buf->memory);
    gw_buf_init(buf, buf->capacity_max);
}

void gw_buf_deinit_wiped(struct gw_buf *buf) {
    if (buf->memory != NULL)
        gw_bytes_wipe(buf->memory, buf->capacity);
    gw_buf_deinit(buf);
}

void gw_buf_take_back(struct gw_buf *buf, size_t length) {
    gw_assert(length <= gw_buf_length(buf));
    buf->end -= length;
    if (buf->start == buf->end)
        gw_buf_clear(buf);
}

void gw_buf_clear(struct gw_buf *buf) {
    buf->start = buf->end = 0;
}

static void move_to_front(struct gw_buf *buf) {
    gw_assert(buf->start <= buf->end && buf->end <= buf->capacity);
    size_t length = gw_buf_length(buf);
    if (buf->start > 0 && length > 0)
        memmove(buf->memory, buf->memory + buf->start, length);
    buf->start = 0;
    buf->end = length;
}

// The block has one byte beyond its capacity, where gw_buf_printf may put the terminator of
// vsnprintf.
static enum gw_status grow(struct gw_buf *buf, size_t needed) {
    gw_assert(needed <= buf->capacity_max);
    size_t capacity = buf->capacity == 0 ? CAPACITY_FIRST : 2 * buf->capacity;
    while (capacity < needed && capacity <= buf->capacity_max / 2)
        capacity *= 2;
    if (capacity < needed || capacity > buf->capacity_max)
        capacity = buf->capacity_max;
    char *memory = malloc(capacity + 1);
    if (memory == NULL)
        return GW_NO_MEMORY;
    struct gw_str held = gw_buf_bytes(buf);
    memcpy(memory, held.at, held.length);
    free(buf->memory);
    buf->memory = memory;
    buf->start = 0;
    buf->end = held.length;
    buf->capacity = capacity;
    return GW_OK;
}

enum gw_status gw_buf_make_room(struct gw_buf *buf, size_t length, char **at) {
    size_t held = gw_buf_length(buf);
    gw_assert(held <= buf->capacity_max);
    if (length > buf->capacity_max - held)
        return GW_TOO_BIG;
    // Moving is cheap enough when it frees at least as many bytes as it moves, and all that is left
    // at the cap.
    bool fits = buf->memory != NULL && length <= buf->capacity - held;
    if (fits && (buf->start >= held || buf->capacity == buf->capacity_max)) {
        move_to_front(buf);
    } else {
        enum gw_status status = grow(buf, held + length);
        if (status != GW_OK)
            return status;
    }
    *at = buf->memory + buf->end;
    return GW_OK;
}

enum gw_status gw_buf_append(struct gw_buf *buf, const void *bytes, size_t length) {
    if (length == 0)
        return GW_OK;
    char *at;
    enum gw_status status = gw_buf_reserve(buf, length, &at);
    if (status != GW_OK)
        return status;
    memcpy(at, bytes, length);
    buf->end += length;
    return GW_OK;
}

enum gw_status gw_buf_append_str(struct gw_buf *buf, struct gw_str str) {
    return gw_buf_append(buf, str.at, str.length);
}

// Formats into the room that is there; only a text that does not fit is formatted twice.
enum gw_status gw_buf_printf(struct gw_buf *buf, const char *format, ...) {
    va_list arguments;
    va_list again;
    va_start(arguments, format);
    va_copy(again, arguments);
    enum gw_status status = GW_OK;
    size_t room = buf->memory == NULL ? 0 : buf->capacity - buf->end + 1;
    char *at = buf->memory == NULL ? NULL : buf->memory + buf->end;
    int length = vsnprintf(at, room, format, arguments);
    if (length < 0) {
        status = GW_INVALID;
    } else if ((size_t)length >= room) {
        status = gw_buf_reserve(buf, (size_t)length, &at);
        if (status == GW_OK)
            (void)vsnprintf(at, (size_t)length + 1, format, again);
    }
    if (status == GW_OK)
        buf->end += (size_t)length;
    va_end(again);
    va_end(arguments);
    return status;
}

void gw_buf_take(struct gw_buf *buf, size_t length) {
    gw_assert(length <= gw_buf_length(buf));
    buf->start += length;
    if (buf->start == buf->end)
        gw_buf_clear(buf);
}

// One byte stays for the terminator of gw_buf_printf.
void gw_buf_adopt(struct gw_buf *buf, char *block, size_t bytes) {
    gw_assert(buf->memory == NULL && bytes > 1 && bytes - 1 <= buf->capacity_max);
    buf->memory = block;
    buf->capacity = bytes - 1;
}

char *gw_buf_release(struct gw_buf *buf, size_t *bytes) {
    gw_assert(gw_buf_length(buf) == 0);
    char *block = buf->memory;
    *bytes = block == NULL ? 0 : buf->capacity + 1;
    gw_buf_init(buf, buf->capacity_max);
    return block;
}
