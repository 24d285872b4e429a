// SPDX-License-Identifier: MIT
#include "base/json.h"

#include <limits.h>
#include <string.h>

#include "base/ascii.h"
#include "base/json_scan.h"
#include "base/utf8.h"

// jsmn splits the text into tokens after the scanner found it well-formed; parent links make that
// linear.
#define JSMN_STATIC
#define JSMN_PARENT_LINKS
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <jsmn.h>
#pragma GCC diagnostic pop

struct gw_json_document {
    struct gw_str text;
    jsmntok_t *tokens; // in document order; the value of a key is its only child
    int *next;         // per token, the first token after it and its descendants
};

// ---- unescaping: byte by byte, of strings that the scanner has seen ----

struct unescaper {
    struct gw_str rest;
    char piece[4]; // the UTF-8 of an escape
    size_t piece_at;
    size_t piece_length;
};

static struct unescaper unescaper_of(struct gw_str raw) {
    return (struct unescaper){.rest = raw};
}

static unsigned hex4(const char *at) {
    unsigned unit = 0;
    for (int i = 0; i < 4; i++)
        unit = unit << 4 | (unsigned)gw_ascii_hex_value(at[i]);
    return unit;
}

// At a backslash: fills `piece`.
static void unescape_piece(struct unescaper *unescaper) {
    gw_assert(unescaper->rest.length >= 2);
    static const char letters[] = "bfnrt";
    static const char meanings[] = "\b\f\n\r\t";
    const char *at = unescaper->rest.at;
    size_t taken = 2;
    uint32_t code_point = (unsigned char)at[1];
    const char *letter = strchr(letters, at[1]);
    if (letter != NULL) {
        code_point = (unsigned char)meanings[letter - letters];
    } else if (at[1] == 'u') {
        taken = 6;
        code_point = hex4(at + 2);
        if (gw_json_is_high_surrogate(code_point)) {
            taken = 12;
            code_point = 0x10000 + ((code_point - 0xD800) << 10) + (hex4(at + 8) - 0xDC00);
        }
    }
    unescaper->rest = gw_str_slice(unescaper->rest, taken, unescaper->rest.length);
    unescaper->piece_length = gw_utf8_encode(code_point, unescaper->piece);
    unescaper->piece_at = 0;
}

// The next byte, or -1 at the end.
static int unescape_next(struct unescaper *unescaper) {
    if (unescaper->piece_at == unescaper->piece_length) {
        if (unescaper->rest.length == 0)
            return -1;
        if (unescaper->rest.at[0] != '\\') {
            unsigned char c = (unsigned char)unescaper->rest.at[0];
            unescaper->rest = gw_str(unescaper->rest.at + 1, unescaper->rest.length - 1);
            return c;
        }
        unescape_piece(unescaper);
    }
    return (unsigned char)unescaper->piece[unescaper->piece_at++];
}

static bool has_escape(struct gw_str raw) {
    return gw_str_find(raw, '\\') < raw.length;
}

static bool unescaped_equal(struct gw_str a, struct gw_str b) {
    if (!has_escape(a) && !has_escape(b))
        return gw_str_equal(a, b);
    struct unescaper left = unescaper_of(a);
    struct unescaper right = unescaper_of(b);
    for (;;) {
        int c = unescape_next(&left);
        if (c != unescape_next(&right))
            return false;
        if (c < 0)
            return true;
    }
}

// FNV-1a over the unescaped bytes.
static uint32_t unescaped_hash(struct gw_str raw) {
    uint32_t hash = 2166136261U;
    struct unescaper unescaper = unescaper_of(raw);
    for (int c = unescape_next(&unescaper); c >= 0; c = unescape_next(&unescaper))
        hash = (hash ^ (uint32_t)c) * 16777619U;
    return hash;
}

static enum gw_status unescape(struct gw_str raw, struct gw_arena *arena, struct gw_str *text) {
    if (!has_escape(raw)) {
        *text = raw;
        return GW_OK;
    }
    char *out = gw_arena_allocate(arena, raw.length); // an escape is longer than its meaning
    if (out == NULL)
        return GW_NO_MEMORY;
    size_t length = 0;
    struct unescaper unescaper = unescaper_of(raw);
    for (int c = unescape_next(&unescaper); c >= 0; c = unescape_next(&unescaper))
        out[length++] = (char)c;
    *text = gw_str(out, length);
    return GW_OK;
}

// ---- the document ----

static struct gw_str token_text(const struct gw_json_document *document, int token) {
    const jsmntok_t *at = &document->tokens[token];
    return gw_str_slice(document->text, (size_t)at->start, (size_t)at->end);
}

static enum gw_status split_tokens(struct gw_arena *arena, struct gw_json_document *document,
                                   int count) {
    size_t tokens_bytes = sizeof(*document->tokens) * (size_t)count;
    document->tokens = gw_arena_allocate(arena, tokens_bytes);
    document->next = gw_arena_allocate(arena, sizeof(*document->next) * (size_t)count);
    if (document->tokens == NULL || document->next == NULL)
        return GW_NO_MEMORY;
    jsmn_parser parser;
    jsmn_init(&parser);
    int split = jsmn_parse(&parser, document->text.at, document->text.length, document->tokens,
                           (unsigned)count);
    return split == count ? GW_OK : GW_INVALID;
}

// From the end, so that each token is visited once, as a child of its parent.
static void link_tokens(struct gw_json_document *document, int count) {
    for (int i = count - 1; i >= 0; i--) {
        int behind = i + 1;
        for (int child = 0; child < document->tokens[i].size; child++)
            behind = document->next[behind];
        document->next[i] = behind;
    }
}

// The token of the second of two equal keys, or -1. `slots` is memory for a hash table with room
// for four times as many keys as the object has.
static int find_duplicate_key(const struct gw_json_document *document, int object, int *slots) {
    int members = document->tokens[object].size;
    unsigned slot_count = 2;
    while (slot_count < 2 * (unsigned)members)
        slot_count *= 2;
    memset(slots, 0, slot_count * sizeof(*slots)); // token 0 is the root, never a key
    int key = object + 1;
    for (int i = 0; i < members; i++, key = document->next[key]) {
        struct gw_str text = token_text(document, key);
        unsigned slot = unescaped_hash(text) & (slot_count - 1);
        while (slots[slot] != 0) {
            if (unescaped_equal(token_text(document, slots[slot]), text))
                return key;
            slot = (slot + 1) & (slot_count - 1);
        }
        slots[slot] = key;
    }
    return -1;
}

static enum gw_status refuse_duplicate_keys(struct gw_arena *arena,
                                            const struct gw_json_document *document, int count,
                                            size_t *error_offset) {
    int members_max = 0;
    for (int i = 0; i < count; i++) {
        if (document->tokens[i].type == JSMN_OBJECT && document->tokens[i].size > members_max)
            members_max = document->tokens[i].size;
    }
    if (members_max < 2)
        return GW_OK;
    int *slots = gw_arena_allocate(arena, 4 * sizeof(*slots) * (size_t)members_max);
    if (slots == NULL)
        return GW_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        if (document->tokens[i].type != JSMN_OBJECT || document->tokens[i].size < 2)
            continue;
        int key = find_duplicate_key(document, i, slots);
        if (key < 0)
            continue;
        *error_offset = (size_t)document->tokens[key].start - 1;
        return GW_INVALID;
    }
    return GW_OK;
}

enum gw_status gw_json_parse(struct gw_arena *arena, struct gw_str text, int tokens_max,
                             struct gw_json *root, size_t *error_offset) {
    if (text.length > INT_MAX) // the offsets of jsmn
        return GW_TOO_BIG;
    int count;
    size_t stopped_at;
    size_t ignored;
    if (error_offset == NULL)
        error_offset = &ignored;
    enum gw_status status = gw_json_scan(text, tokens_max, &count, &stopped_at);
    if (status == GW_INVALID)
        *error_offset = stopped_at;
    if (status != GW_OK)
        return status;

    struct gw_json_document *document = gw_arena_allocate(arena, sizeof(*document));
    if (document == NULL)
        return GW_NO_MEMORY;
    *document = (struct gw_json_document){.text = text};
    status = split_tokens(arena, document, count);
    if (status != GW_OK)
        return status;
    link_tokens(document, count);
    status = refuse_duplicate_keys(arena, document, count, error_offset);
    if (status != GW_OK)
        return status;
    *root = (struct gw_json){.document = document};
    return GW_OK;
}

// ---- reading ----

static const jsmntok_t *token_of(struct gw_json value) {
    gw_assert(value.document != NULL);
    return &value.document->tokens[value.token];
}

enum gw_json_type gw_json_type(struct gw_json value) {
    const jsmntok_t *token = token_of(value);
    if (token->type == JSMN_OBJECT)
        return GW_JSON_OBJECT;
    if (token->type == JSMN_ARRAY)
        return GW_JSON_ARRAY;
    if (token->type == JSMN_STRING)
        return GW_JSON_STRING;
    char first = value.document->text.at[token->start];
    if (first == 'n')
        return GW_JSON_NULL;
    return first == 't' || first == 'f' ? GW_JSON_BOOL : GW_JSON_NUMBER;
}

int gw_json_count(struct gw_json value) {
    const jsmntok_t *token = token_of(value);
    return token->type == JSMN_OBJECT || token->type == JSMN_ARRAY ? token->size : 0;
}

static struct gw_json at_token(struct gw_json value, int token) {
    return (struct gw_json){.document = value.document, .token = token};
}

// Whether the string means `text`; a backslash in `text` stands for itself.
static bool raw_means(struct gw_str raw, struct gw_str text) {
    if (!has_escape(raw))
        return gw_str_equal(raw, text);
    struct unescaper unescaper = unescaper_of(raw);
    for (size_t i = 0; i < text.length; i++) {
        if (unescape_next(&unescaper) != (unsigned char)text.at[i])
            return false;
    }
    return unescape_next(&unescaper) < 0;
}

bool gw_json_member(struct gw_json object, struct gw_str key, struct gw_json *value) {
    if (gw_json_type(object) != GW_JSON_OBJECT)
        return false;
    int token = object.token + 1;
    for (int i = 0; i < gw_json_count(object); i++, token = object.document->next[token]) {
        if (!raw_means(token_text(object.document, token), key))
            continue;
        *value = at_token(object, token + 1);
        return true;
    }
    return false;
}

static int nth_child(struct gw_json container, int index) {
    gw_assert(index >= 0 && index < gw_json_count(container));
    int token = container.token + 1;
    while (index-- > 0)
        token = container.document->next[token];
    return token;
}

struct gw_json gw_json_element(struct gw_json array, int index) {
    gw_assert(gw_json_type(array) == GW_JSON_ARRAY);
    return at_token(array, nth_child(array, index));
}

enum gw_status gw_json_member_at(struct gw_json object, int index, struct gw_arena *arena,
                                 struct gw_str *key, struct gw_json *value) {
    gw_assert(gw_json_type(object) == GW_JSON_OBJECT);
    int token = nth_child(object, index);
    enum gw_status status = unescape(token_text(object.document, token), arena, key);
    if (status == GW_OK)
        *value = at_token(object, token + 1);
    return status;
}

enum gw_status gw_json_string(struct gw_json value, struct gw_arena *arena, struct gw_str *text) {
    if (gw_json_type(value) != GW_JSON_STRING)
        return GW_INVALID;
    return unescape(token_text(value.document, value.token), arena, text);
}

enum gw_status gw_json_integer(struct gw_json value, int64_t *number) {
    if (gw_json_type(value) != GW_JSON_NUMBER)
        return GW_INVALID;
    struct gw_str digits = token_text(value.document, value.token);
    bool is_negative = digits.at[0] == '-';
    uint64_t magnitude;
    if (gw_str_to_u64(gw_str_slice(digits, is_negative, digits.length), &magnitude) != GW_OK)
        return GW_INVALID;
    if (magnitude > (uint64_t)INT64_MAX + is_negative)
        return GW_INVALID;
    if (is_negative && magnitude > 0)
        *number = -(int64_t)(magnitude - 1) - 1;
    else
        *number = (int64_t)magnitude;
    return GW_OK;
}

enum gw_status gw_json_boolean(struct gw_json value, bool *truth) {
    if (gw_json_type(value) != GW_JSON_BOOL)
        return GW_INVALID;
    *truth = value.document->text.at[token_of(value)->start] == 't';
    return GW_OK;
}

struct gw_str gw_json_raw(struct gw_json value) {
    const jsmntok_t *token = token_of(value);
    size_t quote = token->type == JSMN_STRING;
    return gw_str_slice(value.document->text, (size_t)token->start - quote,
                        (size_t)token->end + quote);
}
