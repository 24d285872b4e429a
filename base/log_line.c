// SPDX-License-Identifier: MIT
#include "base/log_line.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log_quote.h"

#define CUT_BYTES 4 // "...\""
#define COMPONENT_BYTES_MAX 64

struct gw_str gw_log_level_text(enum gw_log_level level) {
    static const struct gw_str texts[] = {GW_STR_INIT("debug"), GW_STR_INIT("info"),
                                          GW_STR_INIT("warning"), GW_STR_INIT("error")};
    gw_assert(level >= GW_LOG_DEBUG && level <= GW_LOG_ERROR);
    return texts[level];
}

static size_t room(const struct gw_log_line *line) {
    gw_assert(line->length + GW_LOG_LINE_END_BYTES <= sizeof(line->bytes));
    return sizeof(line->bytes) - GW_LOG_LINE_END_BYTES - line->length;
}

// There is room.
static void append(struct gw_log_line *line, struct gw_str bytes) {
    memcpy(line->bytes + line->length, bytes.at, bytes.length);
    line->length += bytes.length;
}

// All of it, or nothing and the line is full.
static void put(struct gw_log_line *line, struct gw_str bytes) {
    if (bytes.length > room(line))
        line->is_full = true;
    if (!line->is_full && bytes.length > 0)
        append(line, bytes);
}

// The lines of one second share all but its milliseconds.
static void put_time(struct gw_log_line *line, int64_t wall_ms) {
    static _Thread_local int64_t second = INT64_MIN;
    static _Thread_local char time[GW_CLOCK_ISO_LENGTH];
    char *out = line->bytes + line->length;
    if (wall_ms / 1000 != second) {
        second = wall_ms / 1000;
        gw_clock_format_iso(wall_ms, time);
    }
    memcpy(out, time, sizeof(time));
    gw_clock_format_iso_ms(wall_ms, out);
    line->length += sizeof(time);
}

void gw_log_line_begin(struct gw_log_line *line, enum gw_log_form form, enum gw_log_level level,
                       const char *component, int64_t wall_ms) {
    bool is_json = form == GW_LOG_JSON;
    line->form = form;
    line->is_full = false;
    line->length = 0;
    if (is_json)
        append(line, GW_STR("{\"time\":\""));
    put_time(line, wall_ms);
    append(line, is_json ? GW_STR("\",\"level\":\"") : GW_STR(" "));
    append(line, gw_log_level_text(level));
    append(line, is_json ? GW_STR("\",\"component\":\"") : GW_STR(" "));
    append(line, gw_str_slice(gw_str_from(component), 0, COMPONENT_BYTES_MAX));
    if (is_json)
        append(line, GW_STR("\""));
}

// ---- fields ----

static void append_nothing(struct gw_log_line *line) {
    if (line->form == GW_LOG_JSON)
        append(line, GW_STR("null"));
    else
        append(line, GW_STR("-"));
}

static void append_quoted(struct gw_log_line *line, struct gw_str text) {
    size_t most = room(line);
    if (most > GW_LOG_QUOTED_BYTES_MAX)
        most = GW_LOG_QUOTED_BYTES_MAX;
    line->length +=
        gw_log_quote_into(line->bytes + line->length, most, text, line->form == GW_LOG_JSON);
}

void gw_log_line_put_word_value(struct gw_log_line *line, struct gw_str word) {
    if (word.length == 0) {
        append_nothing(line);
        return;
    }
    if (line->form == GW_LOG_JSON)
        line->bytes[line->length++] = '"';
    append(line, word);
    if (line->form == GW_LOG_JSON)
        line->bytes[line->length++] = '"';
}

void gw_log_line_put_text_value(struct gw_log_line *line, struct gw_str text) {
    if (text.at == NULL)
        append_nothing(line);
    else
        append_quoted(line, text);
}

void gw_log_line_put_number_value(struct gw_log_line *line, uint64_t number) {
    size_t count = 1;
    for (uint64_t rest = number; rest >= 10; rest /= 10)
        count++;
    for (size_t at = line->length + count; at > line->length; number /= 10)
        line->bytes[--at] = (char)('0' + number % 10);
    line->length += count;
}

// A point and three digits.
static void append_thousandths(struct gw_log_line *line, uint32_t number) {
    char *at = line->bytes + line->length;
    at[0] = '.';
    at[1] = (char)('0' + number / 100);
    at[2] = (char)('0' + number / 10 % 10);
    at[3] = (char)('0' + number % 10);
    line->length += 4;
}

void gw_log_line_put_ms_value(struct gw_log_line *line, uint64_t nanoseconds) {
    uint64_t microseconds = nanoseconds / 1000;
    gw_log_line_put_number_value(line, microseconds / 1000);
    append_thousandths(line, (uint32_t)(microseconds % 1000));
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
    if (gw_log_line_put_key(line, GW_STR("message"), 0))
        put_json_value(line, gw_str(words, length - 1), false);
}

static void put_json_fields(struct gw_log_line *line, struct gw_str message, const char *format) {
    struct gw_str key;
    struct gw_str value;
    while (message.length > 0 && !line->is_full) {
        take_piece(&message, &key, &value);
        if (key.length == 0)
            continue;
        if (gw_log_line_put_key(line, key, 0))
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
