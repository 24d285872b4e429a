// SPDX-License-Identifier: MIT
#include "cli/text.h"

#include "base/runner_command.h"
#include "base/utf8.h"

#define REPLACEMENT 0xFFFD

static uint32_t shown_as(uint32_t code_point, bool utf8) {
    if (gw_utf8_is_control(code_point))
        code_point = REPLACEMENT;
    return utf8 || code_point < 0x80 ? code_point : '?';
}

// ASCII that is shown as it is, which most text is: a column for each byte.
static bool is_plain(struct gw_str text) {
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] < ' ' || text.at[i] > '~' || text.at[i] == '#')
            return false;
    }
    return true;
}

// Text as it is shown, character by character.
struct shown {
    struct gw_str rest;
    bool utf8;
    uint32_t before; // of the text, or the backslash
};

static bool next_shown(struct shown *shown, uint32_t *code_point) {
    if (shown->before == '#' && gw_runner_command_goes_on(shown->rest)) {
        *code_point = shown->before = '\\';
        return true;
    }
    if (!gw_utf8_next(&shown->rest, code_point))
        return false;
    shown->before = *code_point;
    *code_point = shown_as(*code_point, shown->utf8);
    return true;
}

static enum gw_status append_character(struct gw_buf *out, uint32_t code_point) {
    char bytes[4];
    return gw_buf_append(out, bytes, gw_utf8_encode(code_point, bytes));
}

enum gw_status cli_text_append_clean(struct gw_buf *out, struct gw_str text, bool utf8) {
    if (is_plain(text))
        return gw_buf_append_str(out, text);
    struct shown shown = {.rest = text, .utf8 = utf8};
    enum gw_status status = GW_OK;
    for (uint32_t code_point; status == GW_OK && next_shown(&shown, &code_point);)
        status = append_character(out, code_point);
    return status;
}

enum gw_status cli_text_append_cut(struct gw_buf *out, struct gw_str text, bool utf8,
                                   size_t columns_max) {
    if (cli_text_columns(text, utf8) <= columns_max)
        return cli_text_append_clean(out, text, utf8);
    gw_assert(columns_max >= CLI_TEXT_CUT_COLUMNS_MIN);
    const struct gw_str ellipsis = utf8 ? GW_STR("\u2026") : GW_STR("...");
    size_t left = columns_max - cli_text_columns(ellipsis, utf8);
    struct shown shown = {.rest = text, .utf8 = utf8};
    enum gw_status status = GW_OK;
    for (uint32_t code_point; status == GW_OK && next_shown(&shown, &code_point);) {
        size_t width = (size_t)gw_utf8_columns(code_point);
        if (width > left)
            break;
        left -= width;
        status = append_character(out, code_point);
    }
    return status == GW_OK ? gw_buf_append_str(out, ellipsis) : status;
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
    uint32_t before = 0;
    struct gw_str rest = json;
    for (uint32_t code_point; status == GW_OK && gw_utf8_next(&rest, &code_point); json = rest) {
        bool is_command = before == '#' && gw_runner_command_goes_on(json);
        if (is_command || is_escaped_in_json(code_point, utf8))
            status = append_escape(out, code_point);
        else
            status = append_character(out, code_point == '\r' ? ' ' : code_point);
        before = code_point;
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
    if (is_plain(text))
        return text.length;
    struct shown shown = {.rest = text, .utf8 = utf8};
    size_t columns = 0;
    for (uint32_t code_point; next_shown(&shown, &code_point);)
        columns += (size_t)gw_utf8_columns(code_point);
    return columns;
}
