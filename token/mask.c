// SPDX-License-Identifier: MIT
#include "token/mask.h"

#include <string.h>

#include "base/ascii.h"
#include "base/word.h"
#include "token/syntax.h"

#define ENCODINGS_MAX 3

static const struct gw_str masked = GW_STR_INIT("***");

// One character and how many bytes of the text it takes; 0: the text has ended.
struct character {
    char c;
    size_t length;
};

// "\x73", "\u0073", "\_", or the byte that stands there.
static struct character read_plain(struct gw_str text, size_t at) {
    if (at >= text.length)
        return (struct character){'\0', 0};
    if (text.at[at] != '\\' || at + 1 >= text.length)
        return (struct character){text.at[at], 1};
    size_t digits = text.at[at + 1] == 'x' ? 2 : text.at[at + 1] == 'u' ? 4 : 0;
    int value = 0;
    for (size_t i = 0; i < digits; i++) {
        int digit = at + 2 + i < text.length ? gw_ascii_hex_value(text.at[at + 2 + i]) : -1;
        if (digit < 0)
            return (struct character){'\\', 1};
        value = value * 16 + digit;
    }
    if (digits == 0)
        return (struct character){text.at[at + 1], 2};
    return (struct character){value < 128 ? (char)value : '\0', 2 + digits};
}

// A percent sign may be encoded itself, and so on: each layer decodes what the one below it reads.
static struct character read_character(struct gw_str text, size_t at, int layers) {
    if (layers == 0)
        return read_plain(text, at);
    struct character first = read_character(text, at, layers - 1);
    if (first.c != '%' || first.length == 0)
        return first;
    struct character high = read_character(text, at + first.length, layers - 1);
    struct character low = read_character(text, at + first.length + high.length, layers - 1);
    if (low.length == 0 || gw_ascii_hex_value(high.c) < 0 || gw_ascii_hex_value(low.c) < 0)
        return first;
    return (struct character){(char)(gw_ascii_hex_value(high.c) * 16 + gw_ascii_hex_value(low.c)),
                              first.length + high.length + low.length};
}

// Bytes of the text that spell `word`; 0: it does not stand there.
static size_t spells(struct gw_str text, size_t at, struct gw_str word) {
    size_t length = 0;
    for (size_t i = 0; i < word.length; i++) {
        struct character next = read_character(text, at + length, ENCODINGS_MAX);
        if (next.length == 0 || next.c != word.at[i])
            return 0;
        length += next.length;
    }
    return length;
}

static bool is_of_body(char c) {
    return gw_ascii_is_alphanumeric(c) || c == '-' || c == '_';
}

// Bytes of the text that are the body of a token, and how many characters they spell.
static size_t measure_body(struct gw_str text, size_t at, size_t *characters) {
    size_t length = 0;
    *characters = 0;
    for (;;) {
        struct character next = read_character(text, at + length, ENCODINGS_MAX);
        if (next.length == 0 || !is_of_body(next.c))
            return length;
        length += next.length;
        *characters += 1;
    }
}

// Bytes of the text that are a token, and how it begins; 0: none stands there. `before` is the
// character in front.
static size_t find_token(struct gw_str text, size_t at, char before, struct gw_str *prefix) {
    static const enum gw_token_kind kinds[] = {GW_TOKEN_LIVE, GW_TOKEN_TEST, GW_TOKEN_LEGACY};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        *prefix = gw_token_syntax_prefix(kinds[i]);
        size_t length = spells(text, at, *prefix);
        if (length == 0)
            continue;
        bool is_legacy = kinds[i] == GW_TOKEN_LEGACY;
        if (is_legacy && gw_ascii_is_alphanumeric(before))
            return 0; // not measured: a text of such words would be read again for each of them
        size_t characters;
        length += measure_body(text, at + length, &characters);
        return characters >= (is_legacy ? GW_TOKEN_BODY_MIN : 1) ? length : 0;
    }
    return 0;
}

static size_t append(char *out, size_t room, size_t length, struct gw_str bytes) {
    if (bytes.length > room - length)
        bytes.length = room - length;
    memcpy(out + length, bytes.at, bytes.length);
    return length + bytes.length;
}

// Whether one of eight bytes is looked at on its own.
static bool may_stop(const char *at) {
    uint64_t word;
    memcpy(&word, at, GW_WORD_BYTES);
    return gw_word_has(word, 's') || gw_word_has(word, '%') || gw_word_has(word, '\\');
}

// Bytes of the text, from `at` on, that can neither begin a token nor spell another character: most
// paths are nothing else.
static size_t plain_run(struct gw_str text, size_t at) {
    size_t end = at;
    while (text.length - end >= GW_WORD_BYTES && !may_stop(text.at + end))
        end += GW_WORD_BYTES;
    for (; end < text.length; end++) {
        char c = text.at[end];
        if (c != 's' && c != '%' && c != '\\')
            continue;
        char next = c == 's' && end + 1 < text.length ? text.at[end + 1] : c;
        if (c != 's' || next == 'r' || next == 'k' || next == '%' || next == '\\')
            break;
    }
    return end - at;
}

size_t gw_token_mask(struct gw_str text, char *out, size_t room) {
    size_t length = 0;
    size_t at = 0;
    char before = '\0';
    while (at < text.length && length < room) {
        size_t run = plain_run(text, at);
        if (run > 0) {
            length = append(out, room, length, gw_str(text.at + at, run));
            at += run;
            before = text.at[at - 1];
            continue;
        }
        char c = text.at[at];
        bool is_plain = c != '%' && c != '\\';
        struct character here =
            is_plain ? (struct character){c, 1} : read_character(text, at, ENCODINGS_MAX);
        struct gw_str prefix;
        size_t token = here.c == 's' ? find_token(text, at, before, &prefix) : 0;
        if (token == 0) {
            length = append(out, room, length, gw_str(text.at + at, here.length));
        } else {
            length = append(out, room, length, prefix);
            length = append(out, room, length, masked);
        }
        at += token == 0 ? here.length : token;
        before = here.c;
    }
    return length;
}
