// SPDX-License-Identifier: MIT
#include "base/json.h"

#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/plain_text.h"
#include "base/utf8.h"

void gw_json_writer_init(struct gw_json_writer *writer, struct gw_buf *out) {
    *writer = (struct gw_json_writer){.out = out, .status = GW_OK};
}

enum gw_status gw_json_writer_finish(struct gw_json_writer *writer) {
    return writer->status;
}

static void end_value(struct gw_json_writer *writer, const char *end) {
    gw_assert(writer->status == GW_OK);
    gw_buf_commit_to(writer->out, end);
    writer->needs_comma = true;
}

static void append(struct gw_json_writer *writer, const void *bytes, size_t length) {
    if (writer->status == GW_OK)
        writer->status = gw_buf_append(writer->out, bytes, length);
}

static void write_bytes(struct gw_json_writer *writer, const char *bytes, size_t length) {
    char *at = gw_json_begin_value(writer, length);
    if (at == NULL)
        return;
    memcpy(at, bytes, length);
    end_value(writer, at + length);
}

void gw_json_write_raw(struct gw_json_writer *writer, struct gw_str json) {
    write_bytes(writer, json.at, json.length);
}

void gw_json_open_object(struct gw_json_writer *writer) {
    write_bytes(writer, "{", 1);
    writer->needs_comma = false;
}

void gw_json_close_object(struct gw_json_writer *writer) {
    append(writer, "}", 1);
    writer->needs_comma = true;
}

void gw_json_open_array(struct gw_json_writer *writer) {
    write_bytes(writer, "[", 1);
    writer->needs_comma = false;
}

void gw_json_close_array(struct gw_json_writer *writer) {
    append(writer, "]", 1);
    writer->needs_comma = true;
}

// Writes a code point that is not plain; `out` takes 6 bytes. Beyond ASCII only control characters
// are escaped, because a name may be shown in a terminal that would obey them.
static size_t escape(uint32_t code_point, char *out) {
    static const char letters[] = "btnvfr"; // of 0x08 to 0x0D
    if (code_point == '"' || code_point == '\\' ||
        (code_point >= 0x08 && code_point <= 0x0D && code_point != 0x0B)) {
        out[0] = '\\';
        out[1] = code_point <= 0x0D ? letters[code_point - 0x08] : (char)code_point;
        return 2;
    }
    if (code_point >= 0x80 && !gw_utf8_is_control(code_point))
        return gw_utf8_encode(code_point, out);
    const unsigned char unit[2] = {(unsigned char)(code_point >> 8), (unsigned char)code_point};
    memcpy(out, "\\u", 2);
    gw_hex_encode(unit, sizeof(unit), out + 2);
    return 6;
}

// Run by run: one character that needs an escape, then the plain bytes after it.
static void append_escaped(struct gw_json_writer *writer, struct gw_str text) {
    while (text.length > 0 && writer->status == GW_OK) {
        uint32_t code_point;
        char piece[6];
        if (gw_utf8_next(&text, &code_point))
            append(writer, piece, escape(code_point, piece));
        char *at;
        if (writer->status == GW_OK)
            writer->status = gw_buf_reserve(writer->out, text.length, &at);
        if (writer->status != GW_OK)
            return;
        size_t plain = gw_plain_copy(at, text);
        gw_buf_commit(writer->out, plain);
        text = gw_str_slice(text, plain, text.length);
    }
}

// Escaping never makes a text shorter, so reserving its length up front wastes nothing.
void gw_json_write_string(struct gw_json_writer *writer, struct gw_str text) {
    char *at = gw_json_begin_value(writer, text.length + 2);
    if (at == NULL)
        return;
    *at++ = '"';
    size_t plain = gw_plain_copy(at, text);
    if (plain == text.length) {
        at[plain] = '"';
        end_value(writer, at + plain + 1);
        return;
    }
    end_value(writer, at + plain);
    append_escaped(writer, gw_str_slice(text, plain, text.length));
    append(writer, "\"", 1);
}

void gw_json_write_integer(struct gw_json_writer *writer, int64_t number) {
    char digits[20];
    size_t at = sizeof(digits);
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0)
        digits[--at] = '-';
    write_bytes(writer, digits + at, sizeof(digits) - at);
}

void gw_json_write_boolean(struct gw_json_writer *writer, bool truth) {
    if (truth)
        write_bytes(writer, "true", 4);
    else
        write_bytes(writer, "false", 5);
}

void gw_json_write_null(struct gw_json_writer *writer) {
    write_bytes(writer, "null", 4);
}

void gw_json_write_time(struct gw_json_writer *writer, int64_t wall_ms) {
    if (wall_ms == GW_JSON_NO_TIME) {
        gw_json_write_null(writer);
        return;
    }
    char *at = gw_json_begin_value(writer, GW_CLOCK_ISO_LENGTH + 2);
    if (at == NULL)
        return;
    at[0] = '"';
    gw_clock_format_iso(wall_ms, at + 1);
    at[GW_CLOCK_ISO_LENGTH + 1] = '"';
    end_value(writer, at + GW_CLOCK_ISO_LENGTH + 2);
}
