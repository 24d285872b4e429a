// SPDX-License-Identifier: MIT
#include "gateway/exchange/target.h"

#include <stdint.h>

#include "base/ascii.h"
#include "base/utf8.h"
#include "gateway/http/parse.h"

// ---- bytes ----

// Unescapes the byte at *index and moves *index behind it. Negative: an invalid escape.
static int next_byte(struct gw_str text, size_t *index) {
    char c = text.at[(*index)++];
    if (c != '%')
        return (unsigned char)c;
    if (*index + 2 > text.length)
        return -1;
    int high = gw_ascii_hex_value(text.at[*index]);
    int low = gw_ascii_hex_value(text.at[*index + 1]);
    *index += 2;
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// RFC 3986: the bytes of a path that need no escape; not '#', and ASCII alone. One bit
// each, for this looks at every byte of every target.
static bool is_target_char(char c) {
    static const uint64_t allowed[2] = {
        0xaffffff200000000, // ! $ % & ' ( ) * + , - . / 0-9 : ; = ?
        0x47fffffeafffffff, // @ A-Z [ ] _ a-z ~
    };
    unsigned char byte = (unsigned char)c;
    return byte < 128 && (allowed[byte >> 6] >> (byte & 63) & 1) != 0;
}

// Browsers and fetch send these as they are: the query percent-encode set of the URL standard
// (url.spec.whatwg.org) leaves them out. A query is forwarded and split at '&' alone, so they hide
// nothing.
static bool is_query_char(char c) {
    return is_target_char(c) || c == '^' || c == '`' || c == '{' || c == '|' || c == '}';
}

static bool chars_ok(struct gw_str text, bool (*is_allowed)(char c)) {
    for (size_t i = 0; i < text.length; i++) {
        if (!is_allowed(text.at[i]))
            return false;
    }
    return true;
}

// NUL is refused: C code behind us would end the name there.
static bool escapes_ok(struct gw_str text) {
    for (size_t i = 0; i < text.length;) {
        if (next_byte(text, &i) <= 0)
            return false;
    }
    return true;
}

// ---- the path ----

// Empty, "." or "..". Path parameters are left out, as some servers do.
static bool is_empty_or_dots(struct gw_str segment) {
    struct gw_str name = gw_str_slice(segment, 0, gw_str_find(segment, ';'));
    return name.length == 0 || gw_str_equal(name, GW_STR(".")) || gw_str_equal(name, GW_STR(".."));
}

// One segment between slashes, read as a server behind us might after unescaping. An escaped slash
// must not make an empty or a dot segment, nothing may hide behind a second escape, and no control
// byte or broken UTF-8 gets through.
static bool segment_ok(struct gw_str segment) {
    char plain[GW_HTTP_TARGET_BYTES_MAX];
    size_t length = 0;
    size_t part = 0;
    for (size_t i = 0; i < segment.length;) {
        int byte = next_byte(segment, &i);
        if (byte < ' ' || byte == 0x7f || byte == '\\')
            return false;
        if (byte == '/') {
            if (is_empty_or_dots(gw_str(plain + part, length - part)))
                return false;
            part = length + 1;
        }
        plain[length++] = (char)byte;
    }
    struct gw_str unescaped = gw_str(plain, length);
    for (size_t i = 0; i + 2 < length; i++) {
        if (plain[i] == '%' && gw_ascii_hex_value(plain[i + 1]) >= 0 &&
            gw_ascii_hex_value(plain[i + 2]) >= 0)
            return false;
    }
    return !is_empty_or_dots(gw_str(plain + part, length - part)) && gw_utf8_valid(unescaped);
}

static bool has_escape(struct gw_str text) {
    return gw_str_find(text, '%') < text.length;
}

static bool path_ok(struct gw_str path) {
    if (path.length == 0 || path.at[0] != '/' || !chars_ok(path, is_target_char))
        return false;
    struct gw_str rest = gw_str_slice(path, 1, path.length);
    struct gw_str segment;
    while (gw_str_next(&rest, '/', &segment)) {
        bool is_last = rest.at == NULL;
        if (segment.length == 0 && is_last)
            return true; // a trailing slash: not found, but no trick
        if (has_escape(segment) ? !segment_ok(segment) : is_empty_or_dots(segment))
            return false;
    }
    return true;
}

bool gw_target_split(struct gw_str target, struct gw_str *path, struct gw_str *query) {
    size_t question = gw_str_find(target, '?');
    if (target.length > GW_HTTP_TARGET_BYTES_MAX)
        return false;
    *path = gw_str_slice(target, 0, question);
    *query = (struct gw_str){NULL, 0};
    if (question < target.length)
        *query = gw_str_slice(target, question + 1, target.length);
    return path_ok(*path) && chars_ok(*query, is_query_char) && escapes_ok(*query);
}

// ---- one parameter of the query ----

static bool is_blank(int byte) {
    return byte == ' ' || byte == '+' || (byte >= '\t' && byte <= '\r');
}

// The length of the blanks before a name, escaped or not: PHP drops them.
static size_t blanks_length(struct gw_str piece) {
    size_t end = 0;
    for (size_t i = 0; i < piece.length && is_blank(next_byte(piece, &i));)
        end = i;
    return end;
}

// Whether `piece` of a query, unescaped, is the parameter `name` in any letter case, or an array of
// that name ("name[]=").
static bool names_parameter(struct gw_str piece, struct gw_str name) {
    size_t i = blanks_length(piece);
    for (size_t n = 0; n < name.length; n++) {
        char c = i < piece.length ? (char)next_byte(piece, &i) : '\0';
        if (!gw_str_equal_nocase(gw_str(&c, 1), gw_str(&name.at[n], 1)))
            return false;
    }
    if (i == piece.length)
        return true;
    int after = next_byte(piece, &i);
    return after == '=' || after == '[';
}

struct gw_str gw_target_parameter(struct gw_str query, struct gw_str name, int *count) {
    struct gw_str value = {NULL, 0};
    struct gw_str part;
    *count = 0;
    while (gw_str_next(&query, '&', &part)) {
        size_t equals = gw_str_find(part, '=');
        if (gw_str_equal(gw_str_slice(part, 0, equals), name)) {
            value = gw_str_slice(part, equals + 1, part.length);
            *count += 1;
            continue;
        }
        struct gw_str piece;
        while (gw_str_next(&part, ';', &piece))
            *count += names_parameter(piece, name) ? 2 : 0;
    }
    return value;
}
