// SPDX-License-Identifier: MIT
#include "base/json.h"

#include <limits.h>
#include <string.h>

#include "base/utf8.h"

// jsmn splits the text into tokens once it is known to be well-formed. Parent links make that
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
    jsmntok_t *tokens; // in document order; the one child of a key is its value
    int *next;         // per token, the first token behind it and all it holds
};

// ---- validation: one pass over the bytes, a bit for each open container ----

enum expectation {
    WANT_VALUE,
    WANT_ELEMENT_OR_END, // behind "["
    WANT_KEY,
    WANT_KEY_OR_END, // behind "{"
    WANT_COLON,
    WANT_COMMA_OR_END, // behind a value
};

struct scanner {
    struct gw_str text;
    size_t at; // on failure, the offending byte
    enum expectation expectation;
    uint32_t objects; // bit n: the container at depth n is an object
    int depth;
    int tokens;
    int tokens_max;
};

_Static_assert(GW_JSON_DEPTH_MAX <= 32, "scanner.objects has a bit for each level");

// The byte at hand, or -1 at the end.
static int peek(const struct scanner *scanner) {
    if (scanner->at >= scanner->text.length)
        return -1;
    return (unsigned char)scanner->text.at[scanner->at];
}

static bool is_digit(int c) {
    return c >= '0' && c <= '9';
}

static void skip_white_space(struct scanner *scanner) {
    int c = peek(scanner);
    while (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        scanner->at++;
        c = peek(scanner);
    }
}

static bool skip_digits(struct scanner *scanner) {
    if (!is_digit(peek(scanner)))
        return false;
    while (is_digit(peek(scanner)))
        scanner->at++;
    return true;
}

// RFC 8259 section 6.
static bool scan_number(struct scanner *scanner) {
    if (peek(scanner) == '-')
        scanner->at++;
    if (peek(scanner) == '0')
        scanner->at++;
    else if (!skip_digits(scanner))
        return false;
    if (peek(scanner) == '.') {
        scanner->at++;
        if (!skip_digits(scanner))
            return false;
    }
    if (peek(scanner) == 'e' || peek(scanner) == 'E') {
        scanner->at++;
        if (peek(scanner) == '+' || peek(scanner) == '-')
            scanner->at++;
        if (!skip_digits(scanner))
            return false;
    }
    return true;
}

static bool scan_literal(struct scanner *scanner, const char *word) {
    for (; *word != '\0'; word++) {
        if (peek(scanner) != *word)
            return false;
        scanner->at++;
    }
    return true;
}

static int hex_value(int c) {
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool scan_hex4(struct scanner *scanner, unsigned *unit) {
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(peek(scanner));
        if (digit < 0)
            return false;
        *unit = *unit << 4 | (unsigned)digit;
        scanner->at++;
    }
    return true;
}

static bool is_high_surrogate(unsigned unit) {
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low_surrogate(unsigned unit) {
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

// At a backslash. A surrogate stands only as the first or second half of a pair.
static bool scan_escape(struct scanner *scanner) {
    size_t start = scanner->at++;
    int c = peek(scanner);
    if (c < 0 || strchr("\"\\/bfnrtu", c) == NULL || c == '\0')
        return false;
    scanner->at++;
    if (c != 'u')
        return true;
    unsigned first;
    unsigned second;
    if (!scan_hex4(scanner, &first))
        return false;
    if (!is_high_surrogate(first) && !is_low_surrogate(first))
        return true;
    bool is_pair = is_high_surrogate(first) && scan_literal(scanner, "\\u") &&
                   scan_hex4(scanner, &second) && is_low_surrogate(second);
    if (!is_pair)
        scanner->at = start;
    return is_pair;
}

static bool scan_multibyte(struct scanner *scanner) {
    struct gw_str rest = gw_str_slice(scanner->text, scanner->at, scanner->text.length);
    uint32_t code_point;
    size_t before = rest.length;
    (void)gw_utf8_next(&rest, &code_point);
    size_t taken = before - rest.length;
    if (taken == 1)
        return false;
    scanner->at += taken;
    return true;
}

// At a quote.
static bool scan_string(struct scanner *scanner) {
    scanner->at++;
    for (;;) {
        int c = peek(scanner);
        if (c < 0x20) // the end, too
            return false;
        if (c == '"') {
            scanner->at++;
            return true;
        }
        if (c == '\\') {
            if (!scan_escape(scanner))
                return false;
        } else if (c >= 0x80) {
            if (!scan_multibyte(scanner))
                return false;
        } else {
            scanner->at++;
        }
    }
}

static enum gw_status count_token(struct scanner *scanner) {
    if (scanner->tokens == scanner->tokens_max)
        return GW_TOO_BIG;
    scanner->tokens++;
    return GW_OK;
}

static enum gw_status open_container(struct scanner *scanner, bool is_object) {
    if (scanner->depth == GW_JSON_DEPTH_MAX)
        return GW_TOO_BIG;
    uint32_t bit = UINT32_C(1) << scanner->depth++;
    scanner->objects = is_object ? scanner->objects | bit : scanner->objects & ~bit;
    scanner->expectation = is_object ? WANT_KEY_OR_END : WANT_ELEMENT_OR_END;
    scanner->at++;
    return GW_OK;
}

static bool is_in_object(const struct scanner *scanner) {
    gw_assert(scanner->depth > 0 && scanner->depth <= GW_JSON_DEPTH_MAX);
    return (scanner->objects >> (scanner->depth - 1) & 1) != 0;
}

static void close_container(struct scanner *scanner) {
    scanner->at++;
    scanner->depth--;
    scanner->expectation = WANT_COMMA_OR_END;
}

static enum gw_status scan_value(struct scanner *scanner) {
    int c = peek(scanner);
    enum gw_status status = count_token(scanner);
    if (status != GW_OK)
        return status;
    if (c == '{' || c == '[')
        return open_container(scanner, c == '{');
    scanner->expectation = WANT_COMMA_OR_END;
    bool is_valid;
    if (c == '"')
        is_valid = scan_string(scanner);
    else if (c == 't')
        is_valid = scan_literal(scanner, "true");
    else if (c == 'f')
        is_valid = scan_literal(scanner, "false");
    else if (c == 'n')
        is_valid = scan_literal(scanner, "null");
    else
        is_valid = scan_number(scanner);
    return is_valid ? GW_OK : GW_INVALID;
}

static enum gw_status scan_key(struct scanner *scanner) {
    if (peek(scanner) != '"')
        return GW_INVALID;
    scanner->expectation = WANT_COLON;
    enum gw_status status = count_token(scanner);
    if (status != GW_OK)
        return status;
    return scan_string(scanner) ? GW_OK : GW_INVALID;
}

static enum gw_status scan_colon(struct scanner *scanner) {
    if (peek(scanner) != ':')
        return GW_INVALID;
    scanner->at++;
    scanner->expectation = WANT_VALUE;
    return GW_OK;
}

static enum gw_status scan_comma_or_end(struct scanner *scanner) {
    bool in_object = is_in_object(scanner);
    int c = peek(scanner);
    if (c == ',') {
        scanner->at++;
        scanner->expectation = in_object ? WANT_KEY : WANT_VALUE;
        return GW_OK;
    }
    if (c != (in_object ? '}' : ']'))
        return GW_INVALID;
    close_container(scanner);
    return GW_OK;
}

static enum gw_status scan_one(struct scanner *scanner) {
    switch (scanner->expectation) {
    case WANT_ELEMENT_OR_END:
        if (peek(scanner) == ']') {
            close_container(scanner);
            return GW_OK;
        }
        return scan_value(scanner);
    case WANT_VALUE:
        return scan_value(scanner);
    case WANT_KEY_OR_END:
        if (peek(scanner) == '}') {
            close_container(scanner);
            return GW_OK;
        }
        return scan_key(scanner);
    case WANT_KEY:
        return scan_key(scanner);
    case WANT_COLON:
        return scan_colon(scanner);
    case WANT_COMMA_OR_END:
        return scan_comma_or_end(scanner);
    }
    return GW_INVALID;
}

// The whole text: one value and nothing behind it.
static enum gw_status scan(struct scanner *scanner) {
    do {
        skip_white_space(scanner);
        enum gw_status status = scan_one(scanner);
        if (status != GW_OK)
            return status;
    } while (scanner->depth > 0 || scanner->expectation != WANT_COMMA_OR_END);
    skip_white_space(scanner);
    return peek(scanner) < 0 ? GW_OK : GW_INVALID;
}

// ---- unescaping: works on the text of a string known to be valid, byte by byte ----

struct unescaper {
    struct gw_str rest;
    char piece[4]; // of an escape that stands for more than one byte
    size_t piece_at;
    size_t piece_length;
};

static struct unescaper unescaper_of(struct gw_str raw) {
    return (struct unescaper){.rest = raw};
}

static unsigned hex4(const char *at) {
    unsigned unit = 0;
    for (int i = 0; i < 4; i++)
        unit = unit << 4 | (unsigned)hex_value(at[i]);
    return unit;
}

// At a backslash: makes the bytes that the escape stands for.
static void unescape_piece(struct unescaper *unescaper) {
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
        if (is_high_surrogate(code_point)) {
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
    char *out = gw_arena_allocate(arena, raw.length); // an escape is longer than what it stands for
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

// From the back: each token is stepped over once, as a child of its parent.
static void link_tokens(struct gw_json_document *document, int count) {
    for (int i = count - 1; i >= 0; i--) {
        int behind = i + 1;
        for (int child = 0; child < document->tokens[i].size; child++)
            behind = document->next[behind];
        document->next[i] = behind;
    }
}

// A hash table of the keys of one object; `slots` has room for twice as many and is a power of two.
// Returns the token of the second of two equal keys, or -1.
static int find_duplicate_key(const struct gw_json_document *document, int object, int *slots) {
    int members = document->tokens[object].size;
    unsigned slot_count = 2;
    while (slot_count < 2 * (unsigned)members)
        slot_count *= 2;
    memset(slots, 0, slot_count * sizeof(*slots)); // 0 is the root, never a key
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
    struct scanner scanner = {.text = text, .tokens_max = tokens_max};
    size_t ignored;
    if (error_offset == NULL)
        error_offset = &ignored;
    enum gw_status status = scan(&scanner);
    if (status == GW_INVALID)
        *error_offset = scanner.at;
    if (status != GW_OK)
        return status;

    struct gw_json_document *document = gw_arena_allocate(arena, sizeof(*document));
    if (document == NULL)
        return GW_NO_MEMORY;
    *document = (struct gw_json_document){.text = text};
    status = split_tokens(arena, document, scanner.tokens);
    if (status != GW_OK)
        return status;
    link_tokens(document, scanner.tokens);
    status = refuse_duplicate_keys(arena, document, scanner.tokens, error_offset);
    if (status != GW_OK)
        return status;
    *root = (struct gw_json){.document = document};
    return GW_OK;
}

// ---- reading ----

static const jsmntok_t *token_of(struct gw_json value) {
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

// Whether the unescaped text of a string is `text`, which holds no escapes whatever bytes it holds.
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
