// SPDX-License-Identifier: MIT
#include "cli/text.h"

#include "base/utf8.h"

#define REPLACEMENT 0xFFFD

static uint32_t shown_as(uint32_t code_point, bool utf8) {
    if (gw_utf8_is_control(code_point))
        code_point = REPLACEMENT;
    return utf8 || code_point < 0x80 ? code_point : '?';
}

enum gw_status cli_text_append_clean(struct gw_buf *out, struct gw_str text, bool utf8) {
    uint32_t code_point;
    while (gw_utf8_next(&text, &code_point)) {
        char bytes[4];
        size_t length = gw_utf8_encode(shown_as(code_point, utf8), bytes);
        enum gw_status status = gw_buf_append(out, bytes, length);
        if (status != GW_OK)
            return status;
    }
    return GW_OK;
}

// The other controls of ASCII stand in no string of JSON.
static bool is_escaped_in_json(uint32_t code_point, bool utf8) {
    return code_point >= 0x80 ? !utf8 || gw_utf8_is_control(code_point) : code_point == 0x7F;
}

// Beyond the 16 bits of an escape two of them stand for one character (RFC 8259 section 7).
static enum gw_status append_escape(struct gw_buf *out, uint32_t code_point) {
    gw_assert(code_point <= 0x10FFFF);
    if (code_point <= 0xFFFF)
        return gw_buf_printf(out, "\\u%04x", (unsigned)code_point);
    uint32_t rest = code_point - 0x10000;
    return gw_buf_printf(out, "\\u%04x\\u%04x", (unsigned)(0xD800 + (rest >> 10)),
                         (unsigned)(0xDC00 + (rest & 0x3FF)));
}

enum gw_status cli_text_append_json(struct gw_buf *out, struct gw_str json, bool utf8) {
    enum gw_status status = GW_OK;
    uint32_t code_point;
    while (status == GW_OK && gw_utf8_next(&json, &code_point)) {
        char bytes[4];
        if (is_escaped_in_json(code_point, utf8)) {
            status = append_escape(out, code_point);
            continue;
        }
        size_t length = gw_utf8_encode(code_point == '\r' ? ' ' : code_point, bytes);
        status = gw_buf_append(out, bytes, length);
    }
    return status;
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct gw_str cli_text_trim(struct gw_str text) {
    while (text.length > 0 && is_space(text.at[0]))
        text = gw_str_slice(text, 1, text.length);
    while (text.length > 0 && is_space(text.at[text.length - 1]))
        text.length--;
    return text;
}

size_t cli_text_columns(struct gw_str text, bool utf8) {
    size_t columns = 0;
    uint32_t code_point;
    while (gw_utf8_next(&text, &code_point))
        columns += (size_t)gw_utf8_columns(shown_as(code_point, utf8));
    return columns;
}
