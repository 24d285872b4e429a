// SPDX-License-Identifier: MIT
#include "base/base64url.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void gw_base64url_encode(const void *bytes, size_t length, char *out) {
    const unsigned char *from = bytes;
    unsigned pending = 0;
    unsigned pending_bits = 0;
    for (size_t i = 0; i < length; i++) {
        pending = ((pending << 8) | from[i]) & 0xffff;
        pending_bits += 8;
        while (pending_bits >= 6) {
            pending_bits -= 6;
            *out++ = alphabet[(pending >> pending_bits) & 63];
        }
    }
    if (pending_bits > 0)
        *out = alphabet[(pending << (6 - pending_bits)) & 63];
}

// The value of each character of the alphabet plus one, 0 for the others: a look-up, so that no
// branch depends on a character of a secret.
static const unsigned char values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64,
};

// The value of a character, or -1.
static int value_of(char c) {
    return values[(unsigned char)c] - 1;
}

bool gw_base64url_is_char(char c) {
    return value_of(c) >= 0;
}

enum gw_status gw_base64url_decode(struct gw_str text, void *out, size_t out_max,
                                   size_t *out_length) {
    if (text.length % 4 == 1)
        return GW_INVALID;
    for (size_t i = 0; i < text.length; i++) {
        if (!gw_base64url_is_char(text.at[i]))
            return GW_INVALID;
    }
    size_t length = text.length / 4 * 3 + (text.length % 4 * 3) / 4;
    unsigned stray_mask = text.length % 4 == 2 ? 15 : text.length % 4 == 3 ? 3 : 0;
    if (stray_mask != 0 && ((unsigned)value_of(text.at[text.length - 1]) & stray_mask) != 0)
        return GW_INVALID;
    if (length > out_max)
        return GW_TOO_BIG;
    unsigned char *to = out;
    unsigned pending = 0;
    unsigned pending_bits = 0;
    for (size_t i = 0; i < text.length; i++) {
        pending = ((pending << 6) | (unsigned)value_of(text.at[i])) & 0xffff;
        pending_bits += 6;
        if (pending_bits >= 8) {
            pending_bits -= 8;
            *to++ = (unsigned char)(pending >> pending_bits);
        }
    }
    *out_length = length;
    return GW_OK;
}
