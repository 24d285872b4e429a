// SPDX-License-Identifier: MIT
#include "base/log_quote.h"

#include <stdio.h>
#include <string.h>

#include "base/plain_text.h"
#include "base/utf8.h"

#define PIECE_BYTES 8 // the longest escape, and a terminator

// An invalid byte comes as this code point, from a source of one byte.
#define INVALID 0xFFFD

// Writes one code point as it may stand between the quotes and returns the number of bytes.
// `source` is its encoded form.
static size_t quote_one(struct gw_str source, uint32_t code_point, char out[PIECE_BYTES]) {
    gw_assert(source.length >= 1 && source.length <= 4);
    bool is_invalid = code_point == INVALID && source.length == 1;
    if (code_point == '"' || code_point == '\\')
        return (size_t)snprintf(out, PIECE_BYTES, "\\%c", (char)code_point);
    if (code_point == '\n' || code_point == '\r' || code_point == '\t') {
        char letter = code_point == '\n' ? 'n' : code_point == '\r' ? 'r' : 't';
        return (size_t)snprintf(out, PIECE_BYTES, "\\%c", letter);
    }
    if (is_invalid || code_point < 0x20 || code_point == 0x7F)
        return (size_t)snprintf(out, PIECE_BYTES, "\\x%02x", (unsigned)(unsigned char)source.at[0]);
    if (gw_utf8_is_control(code_point))
        return (size_t)snprintf(out, PIECE_BYTES, "\\u%04x", (unsigned)(code_point & 0xFFFF));
    memcpy(out, source.at, source.length);
    return source.length;
}

static size_t json_one(struct gw_str source, uint32_t code_point, char out[PIECE_BYTES]) {
    bool is_invalid = code_point == INVALID && source.length == 1;
    if (code_point == '"' || code_point == '\\')
        return (size_t)snprintf(out, PIECE_BYTES, "\\%c", (char)code_point);
    if (is_invalid || gw_utf8_is_control(code_point))
        return (size_t)snprintf(out, PIECE_BYTES, "\\u%04x", (unsigned)(code_point & 0xFFFF));
    memcpy(out, source.at, source.length);
    return source.length;
}

size_t gw_log_quote_into(char *out, size_t room, struct gw_str text, bool is_json) {
    static const char cut[] = "...\"";
    gw_assert(room >= PIECE_BYTES);
    size_t most = room - (sizeof(cut) - 1);
    size_t length = 0;
    out[length++] = '"';
    uint32_t code_point;
    struct gw_str rest = text;
    for (;;) {
        size_t fitting = rest.length < most - length ? rest.length : most - length;
        size_t plain = gw_plain_copy(out + length, gw_str(rest.at, fitting));
        length += plain;
        if (plain == rest.length)
            break;
        rest = gw_str(rest.at + plain, rest.length - plain);
        struct gw_str source = rest;
        (void)gw_utf8_next(&rest, &code_point);
        source.length -= rest.length;
        char piece[PIECE_BYTES];
        size_t piece_length =
            is_json ? json_one(source, code_point, piece) : quote_one(source, code_point, piece);
        if (length + piece_length > most) {
            memcpy(out + length, cut, sizeof(cut) - 1);
            return length + sizeof(cut) - 1;
        }
        memcpy(out + length, piece, piece_length);
        length += piece_length;
    }
    out[length++] = '"';
    return length;
}

const char *gw_log_quoted(struct gw_log_quote *out, struct gw_str text) {
    size_t length = gw_log_quote_into(out->text, sizeof(out->text) - 1, text, false);
    out->text[length] = '\0';
    return out->text;
}

// ---- from the text form to JSON ----

// How long an escape of quote_one is; 0: none stands here.
static size_t escape_length(struct gw_str at) {
    if (at.length < 2 || at.at[0] != '\\')
        return 0;
    if (memchr("\"\\nrt", at.at[1], 5) != NULL)
        return 2;
    size_t length = at.at[1] == 'x' ? 4 : at.at[1] == 'u' ? 6 : 0;
    for (size_t i = 2; i < length; i++) {
        if (i >= at.length || strchr("0123456789abcdef", at.at[i]) == NULL)
            return 0;
    }
    return length;
}

// "\xHH": a control character, or a byte that is not UTF-8.
static size_t hex_to_json(struct gw_str digits, char out[PIECE_BYTES]) {
    bool is_control = digits.at[0] < '2' || gw_str_equal(digits, GW_STR("7f"));
    if (is_control)
        return (size_t)snprintf(out, PIECE_BYTES, "\\u00%c%c", digits.at[0], digits.at[1]);
    return (size_t)snprintf(out, PIECE_BYTES, "\\ufffd");
}

size_t gw_log_quote_to_json(struct gw_str *quoted, char out[PIECE_BYTES]) {
    struct gw_str at = *quoted;
    gw_assert(at.length > 0);
    size_t taken = escape_length(at);
    if (taken > 0) {
        *quoted = gw_str(at.at + taken, at.length - taken);
        if (taken == 4)
            return hex_to_json(gw_str(at.at + 2, 2), out);
        memcpy(out, at.at, taken); // the same in JSON
        return taken;
    }
    uint32_t code_point;
    (void)gw_utf8_next(quoted, &code_point);
    at.length -= quoted->length;
    return json_one(at, code_point, out);
}
