// SPDX-License-Identifier: MIT
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"

static enum gw_log_level least_level = GW_LOG_INFO;

static const char *const level_names[] = {"debug", "info", "warning", "error"};

void gw_log_set_level(enum gw_log_level level) {
    least_level = level;
}

enum gw_status gw_log_level_parse(struct gw_str name, enum gw_log_level *level) {
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (!gw_str_equal(name, gw_str_from(level_names[i])))
            continue;
        *level = (enum gw_log_level)i;
        return GW_OK;
    }
    return GW_INVALID;
}

// A line is no longer than PIPE_BUF, so a pipe takes it whole or not at all. A pipe that is full,
// because its reader sleeps, loses the line instead of stopping the service.
static void write_line(const char *line, size_t length) {
    gw_assert(length <= GW_LOG_LINE_BYTES_MAX);
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&out, 1, 0) != 1 || (out.revents & POLLOUT) == 0)
        return;
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written; // a full disk or a closed pipe: the line is lost
}

// Ends a text that filled `room` bytes with "...", not within a UTF-8 sequence; returns the new
// length.
static size_t mark_cut(char *at, size_t room) {
    gw_assert(room >= 3);
    size_t length = room - 3;
    while (length > 0 && ((unsigned char)at[length] & 0xC0) == 0x80)
        length--;
    memcpy(at + length, "...", 3);
    return length + 3;
}

void gw_log(enum gw_log_level level, const char *component, const char *format, ...) {
    if (level < least_level)
        return;
    int saved_errno = errno;
    char line[GW_LOG_LINE_BYTES_MAX];
    gw_clock_format_iso(gw_clock_wall_ms(), line);
    size_t length = GW_CLOCK_ISO_LENGTH;
    int head =
        snprintf(line + length, sizeof(line) / 2, " %s %.64s ", level_names[level], component);
    if (head > 0)
        length += (size_t)head;

    // The last byte, where vsnprintf puts its terminator, becomes the line feed.
    size_t room = sizeof(line) - length - 1;
    errno = saved_errno; // for "%m"
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(line + length, room + 1, format, arguments);
    va_end(arguments);
    size_t message = wanted < 0 ? 0 : (size_t)wanted;
    if (message > room)
        message = mark_cut(line + length, room);
    gw_utf8_mask_controls(line + length, message); // one line, even where a caller forgot to quote
    length += message;
    line[length++] = '\n';
    write_line(line, length);
    errno = saved_errno;
}

// Writes one code point as it may stand between the quotes and returns the number of bytes.
// `source` is its encoded form.
static size_t quote_one(struct gw_str source, uint32_t code_point, char out[8]) {
    gw_assert(source.length >= 1 && source.length <= 4);
    bool is_invalid = code_point == 0xFFFD && source.length == 1;
    if (code_point == '"' || code_point == '\\')
        return (size_t)snprintf(out, 8, "\\%c", (char)code_point);
    if (code_point == '\n' || code_point == '\r' || code_point == '\t') {
        char letter = code_point == '\n' ? 'n' : code_point == '\r' ? 'r' : 't';
        return (size_t)snprintf(out, 8, "\\%c", letter);
    }
    if (is_invalid || code_point < 0x20 || code_point == 0x7F)
        return (size_t)snprintf(out, 8, "\\x%02x", (unsigned)(unsigned char)source.at[0]);
    if (gw_utf8_is_control(code_point))
        return (size_t)snprintf(out, 8, "\\u%04x", (unsigned)(code_point & 0xFFFF));
    memcpy(out, source.at, source.length);
    return source.length;
}

const char *gw_log_quoted(struct gw_log_quote *out, struct gw_str text) {
    static const char cut[] = "...\"";
    size_t room = sizeof(out->text) - sizeof(cut);
    size_t length = 0;
    out->text[length++] = '"';
    uint32_t code_point;
    struct gw_str rest = text;
    while (gw_utf8_next(&rest, &code_point)) {
        struct gw_str source = gw_str(text.at, text.length - rest.length);
        text = rest;
        char piece[8];
        size_t piece_length = quote_one(source, code_point, piece);
        if (length + piece_length > room) {
            memcpy(out->text + length, cut, sizeof(cut));
            return out->text;
        }
        memcpy(out->text + length, piece, piece_length);
        length += piece_length;
    }
    out->text[length++] = '"';
    out->text[length] = '\0';
    return out->text;
}
