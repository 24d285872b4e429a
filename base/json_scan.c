// SPDX-License-Identifier: MIT
#include "base/json_scan.h"

#include "base/ascii.h"
#include "base/json.h"
#include "base/utf8.h"

// What may come next.
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
    uint32_t objects; // bit n: the open container at depth n is an object
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

// -1 is none.
static bool is_digit(int c) {
    return gw_ascii_is_digit((char)c);
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

static bool scan_hex4(struct scanner *scanner, unsigned *unit) {
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = gw_ascii_hex_value((char)peek(scanner));
        if (digit < 0)
            return false;
        *unit = *unit << 4 | (unsigned)digit;
        scanner->at++;
    }
    return true;
}

// At a backslash. A surrogate is allowed only as one half of a pair.
static bool scan_escape(struct scanner *scanner) {
    gw_assert(peek(scanner) == '\\');
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
    if (!gw_json_is_high_surrogate(first) && !gw_json_is_low_surrogate(first))
        return true;
    bool is_pair = gw_json_is_high_surrogate(first) && scan_literal(scanner, "\\u") &&
                   scan_hex4(scanner, &second) && gw_json_is_low_surrogate(second);
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
    gw_assert(peek(scanner) == '"');
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
    gw_assert(scanner->depth > 0);
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

// One value and nothing behind it.
static enum gw_status scan_document(struct scanner *scanner) {
    do {
        skip_white_space(scanner);
        enum gw_status status = scan_one(scanner);
        if (status != GW_OK)
            return status;
    } while (scanner->depth > 0 || scanner->expectation != WANT_COMMA_OR_END);
    skip_white_space(scanner);
    return peek(scanner) < 0 ? GW_OK : GW_INVALID;
}

enum gw_status gw_json_scan(struct gw_str text, int tokens_max, int *tokens, size_t *stopped_at) {
    gw_assert(tokens_max >= 0);
    struct scanner scanner = {.text = text, .tokens_max = tokens_max};
    enum gw_status status = scan_document(&scanner);
    *tokens = scanner.tokens;
    *stopped_at = scanner.at;
    return status;
}
