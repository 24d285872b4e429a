// SPDX-License-Identifier: MIT
#include "base/log_line.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log_quote.h"

#define END_BYTES 2     // "}\n"
#define CUT_BYTES 4     // "...\""
#define MEMBER_BYTES 40 // beside its key, at least; a number fits in
#define COMPONENT_BYTES_MAX 64

const char *gw_log_level_text(enum gw_log_level level) {
    static const char *const texts[] = {"debug", "info", "warning", "error"};
    gw_assert(level >= GW_LOG_DEBUG && level <= GW_LOG_ERROR);
    return texts[level];
}

static size_t room(const struct gw_log_line *line) {
    gw_assert(line->length + END_BYTES <= sizeof(line->bytes));
    return sizeof(line->bytes) - END_BYTES - line->length;
}

// All of it, or nothing and the line is full.
static void put(struct gw_log_line *line, struct gw_str bytes) {
    if (bytes.length > room(line))
        line->is_full = true;
    if (line->is_full || bytes.length == 0)
        return;
    memcpy(line->bytes + line->length, bytes.at, bytes.length);
    line->length += bytes.length;
}

void gw_log_line_begin(struct gw_log_line *line, enum gw_log_form form, enum gw_log_level level,
                       const char *component) {
    char time[GW_CLOCK_ISO_LENGTH];
    bool is_json = form == GW_LOG_JSON;
    line->form = form;
    line->is_full = false;
    line->length = 0;
    gw_clock_format_iso(gw_clock_wall_ms(), time);
    put(line, is_json ? GW_STR("{\"time\":\"") : GW_STR(""));
    put(line, gw_str(time, sizeof(time)));
    put(line, is_json ? GW_STR("\",\"level\":\"") : GW_STR(" "));
    put(line, gw_str_from(gw_log_level_text(level)));
    put(line, is_json ? GW_STR("\",\"component\":\"") : GW_STR(" "));
    put(line, gw_str_slice(gw_str_from(component), 0, COMPONENT_BYTES_MAX));
    put(line, is_json ? GW_STR("\"") : GW_STR(""));
}

// A member that does not fit is left out: the line is full.
static void put_key(struct gw_log_line *line, struct gw_str key) {
    bool is_json = line->form == GW_LOG_JSON;
    if (key.length + MEMBER_BYTES > room(line))
        line->is_full = true;
    put(line, is_json ? GW_STR(",\"") : GW_STR(" "));
    put(line, key);
    put(line, is_json ? GW_STR("\":") : GW_STR("="));
}

// ---- fields ----

static void put_nothing(struct gw_log_line *line) {
    put(line, line->form == GW_LOG_JSON ? GW_STR("null") : GW_STR("-"));
}

static void put_quoted(struct gw_log_line *line, struct gw_str text) {
    size_t most = room(line);
    if (line->is_full)
        return;
    if (most > GW_LOG_QUOTED_BYTES_MAX)
        most = GW_LOG_QUOTED_BYTES_MAX;
    line->length +=
        gw_log_quote_into(line->bytes + line->length, most, text, line->form == GW_LOG_JSON);
}

void gw_log_line_put_word(struct gw_log_line *line, const char *key, struct gw_str word) {
    put_key(line, gw_str_from(key));
    if (word.length == 0)
        put_nothing(line);
    else if (line->form == GW_LOG_JSON)
        put_quoted(line, word);
    else
        put(line, word);
}

void gw_log_line_put_text(struct gw_log_line *line, const char *key, struct gw_str text) {
    put_key(line, gw_str_from(key));
    if (text.at == NULL)
        put_nothing(line);
    else
        put_quoted(line, text);
}

// At least `least` digits; returns where they begin in `digits`.
static struct gw_str to_digits(char digits[20], uint64_t number, size_t least) {
    size_t at = 20;
    while (number > 0 || 20 - at < least) {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    }
    return gw_str(digits + at, 20 - at);
}

void gw_log_line_put_number(struct gw_log_line *line, const char *key, uint64_t number) {
    char digits[20];
    put_key(line, gw_str_from(key));
    put(line, to_digits(digits, number, 1));
}

void gw_log_line_put_ms(struct gw_log_line *line, const char *key, uint64_t nanoseconds) {
    char digits[20];
    uint64_t microseconds = nanoseconds / 1000;
    put_key(line, gw_str_from(key));
    put(line, to_digits(digits, microseconds / 1000, 1));
    put(line, GW_STR("."));
    put(line, to_digits(digits, microseconds % 1000, 3));
}

// ---- a message, as text ----

// Ends a text that filled its room with "...", not within a UTF-8 sequence.
static void mark_cut(struct gw_log_line *line) {
    size_t length = line->length - 3;
    while (length > 0 && ((unsigned char)line->bytes[length] & 0xC0) == 0x80)
        length--;
    memcpy(line->bytes + length, "...", 3);
    line->length = length + 3;
}

static void put_plain_message(struct gw_log_line *line, struct gw_str message) {
    size_t most = room(line) + 1; // there is no brace to come
    put(line, GW_STR(" "));
    most--;
    if (message.length <= most && message.length > 0) {
        memcpy(line->bytes + line->length, message.at, message.length);
        line->length += message.length;
    } else if (message.length > most) {
        memcpy(line->bytes + line->length, message.at, most);
        line->length += most;
        mark_cut(line);
    }
}

// ---- a message, as JSON ----

static bool is_key_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

// What every line has already.
static bool is_taken(struct gw_str key) {
    return gw_str_equal(key, GW_STR("time")) || gw_str_equal(key, GW_STR("level")) ||
           gw_str_equal(key, GW_STR("component")) || gw_str_equal(key, GW_STR("message"));
}

// "key=" at the front of `rest`; empty without one.
static struct gw_str key_of(struct gw_str rest) {
    size_t length = 0;
    while (length < rest.length && is_key_character(rest.at[length]))
        length++;
    struct gw_str key = gw_str(rest.at, length);
    bool is_key = length > 0 && length < rest.length && rest.at[length] == '=' && !is_taken(key);
    return is_key ? key : gw_str(rest.at, 0);
}

// Up to the blank that ends a value or a word; a quoted one ends behind its quote.
static struct gw_str value_of(struct gw_str rest) {
    bool is_quoted = rest.length > 0 && rest.at[0] == '"';
    size_t length = is_quoted ? 1 : 0;
    for (; length < rest.length; length++) {
        if (is_quoted && rest.at[length] == '\\')
            length++;
        else if (is_quoted && rest.at[length] == '"')
            return gw_str(rest.at, length + 1);
        else if (!is_quoted && rest.at[length] == ' ')
            break;
    }
    return gw_str_slice(rest, 0, length);
}

// Of JSON: digits, a sign and a fraction. Numbers of 64 bits stay what they are: a reader that
// keeps 53 bits of them is its own.
static bool is_number(struct gw_str text) {
    size_t at = text.length > 0 && text.at[0] == '-' ? 1 : 0;
    size_t first = at;
    bool has_fraction = false;
    for (; at < text.length; at++) {
        bool is_point = text.at[at] == '.' && !has_fraction && at > first && at + 1 < text.length;
        if (!is_point && (text.at[at] < '0' || text.at[at] > '9'))
            return false;
        has_fraction = has_fraction || is_point;
    }
    bool has_zero_first =
        text.length > first + 1 && text.at[first] == '0' && text.at[first + 1] != '.';
    return text.length > first && !has_zero_first;
}

// Whether `format` makes the value of `key` from a number: "key=%d", "key=%llu".
static bool is_number_in(const char *format, struct gw_str key) {
    const char *at = format;
    while ((at = strstr(at, "=%")) != NULL) {
        bool is_key =
            (size_t)(at - format) >= key.length &&
            memcmp(at - key.length, key.at, key.length) == 0 &&
            ((size_t)(at - format) == key.length || at[-(ptrdiff_t)key.length - 1] == ' ');
        at += 2 + strspn(at + 2, "0123456789.*lzhj");
        if (is_key)
            return *at != '\0' && strchr("diuf", *at) != NULL;
    }
    return false;
}

static void put_json_value(struct gw_log_line *line, struct gw_str value, bool may_be_number) {
    if (may_be_number && is_number(value)) {
        put(line, value);
        return;
    }
    bool is_quoted = value.length >= 2 && value.at[0] == '"' && value.at[value.length - 1] == '"';
    if (is_quoted)
        value = gw_str_slice(value, 1, value.length - 1);
    put(line, GW_STR("\""));
    while (value.length > 0 && !line->is_full) {
        char piece[8];
        struct gw_str next = gw_str(piece, gw_log_quote_to_json(&value, piece));
        if (next.length + CUT_BYTES > room(line)) {
            put(line, GW_STR("...\""));
            line->is_full = true;
            return;
        }
        put(line, next);
    }
    put(line, GW_STR("\""));
}

// Takes the next field from the front of *rest, or the next word: an empty key.
static void take_piece(struct gw_str *rest, struct gw_str *key, struct gw_str *value) {
    struct gw_str message = *rest;
    *key = key_of(message);
    size_t at = key->length > 0 ? key->length + 1 : 0;
    *value = value_of(gw_str_slice(message, at, message.length));
    at += value->length;
    while (at < message.length && message.at[at] == ' ')
        at++;
    *rest = gw_str_slice(message, at, message.length);
}

// The words of the message that belong to no field, together.
static void put_json_words(struct gw_log_line *line, struct gw_str message) {
    char words[GW_LOG_LINE_BYTES_MAX];
    size_t length = 0;
    struct gw_str key;
    struct gw_str word;
    while (message.length > 0) {
        take_piece(&message, &key, &word);
        if (key.length > 0 || length + word.length + 1 > sizeof(words))
            continue;
        memcpy(words + length, word.at, word.length);
        length += word.length;
        words[length++] = ' ';
    }
    if (length == 0)
        return;
    put_key(line, GW_STR("message"));
    put_json_value(line, gw_str(words, length - 1), false);
}

static void put_json_fields(struct gw_log_line *line, struct gw_str message, const char *format) {
    struct gw_str key;
    struct gw_str value;
    while (message.length > 0 && !line->is_full) {
        take_piece(&message, &key, &value);
        if (key.length == 0)
            continue;
        put_key(line, key);
        put_json_value(line, value, is_number_in(format, key));
    }
}

void gw_log_line_put_message(struct gw_log_line *line, struct gw_str message, const char *format) {
    if (line->form == GW_LOG_TEXT) {
        put_plain_message(line, message);
        return;
    }
    put_json_words(line, message);
    put_json_fields(line, message, format);
}

struct gw_str gw_log_line_end(struct gw_log_line *line) {
    if (line->form == GW_LOG_JSON)
        line->bytes[line->length++] = '}';
    line->bytes[line->length++] = '\n';
    gw_assert(line->length <= sizeof(line->bytes));
    return gw_str(line->bytes, line->length);
}
