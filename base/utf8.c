// SPDX-License-Identifier: MIT
#include "base/utf8.h"

#include <string.h>

#define REPLACEMENT 0xFFFD

// The length of the well-formed sequence at the front (RFC 3629 section 4), or 0.
static size_t decode(const unsigned char *at, size_t length, uint32_t *code_point) {
    gw_assert(length > 0);
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = at[0];
    if (first < 0x80) {
        *code_point = first;
        return 1;
    }
    if (first < 0xC2 || first > 0xF4)
        return 0;
    size_t wanted = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (wanted > length)
        return 0;
    uint32_t value = first & (0x7FU >> wanted);
    for (size_t i = 1; i < wanted; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return 0;
        value = (value << 6) | (at[i] & 0x3FU);
    }
    if (value < least[wanted] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 0;
    *code_point = value;
    return wanted;
}

// The number of ASCII bytes at the front, a multiple of eight: most text is ASCII.
static size_t skip_ascii(const unsigned char *at, size_t length) {
    size_t i = 0;
    for (; length - i >= 8; i += 8) {
        uint64_t word;
        memcpy(&word, at + i, sizeof(word));
        if ((word & 0x8080808080808080U) != 0)
            break;
    }
    return i;
}

bool gw_utf8_valid(struct gw_str text) {
    const unsigned char *at = (const unsigned char *)text.at;
    size_t left = text.length;
    while (left > 0) {
        uint32_t code_point;
        size_t taken = skip_ascii(at, left);
        if (taken == 0)
            taken = decode(at, left, &code_point);
        if (taken == 0)
            return false;
        at += taken;
        left -= taken;
    }
    return true;
}

bool gw_utf8_next(struct gw_str *rest, uint32_t *code_point) {
    if (rest->length == 0)
        return false;
    size_t taken = decode((const unsigned char *)rest->at, rest->length, code_point);
    if (taken == 0) {
        *code_point = REPLACEMENT;
        taken = 1;
    }
    *rest = gw_str(rest->at + taken, rest->length - taken);
    return true;
}

bool gw_utf8_is_control(uint32_t code_point) {
    if (code_point < 0x20 || (code_point >= 0x7F && code_point <= 0x9F))
        return true;
    return code_point == 0x061C || code_point == 0x200E || code_point == 0x200F ||
           (code_point >= 0x2028 && code_point <= 0x202E) ||
           (code_point >= 0x2066 && code_point <= 0x2069) || code_point == 0xFEFF;
}

bool gw_utf8_has_control(struct gw_str text) {
    uint32_t code_point;
    while (gw_utf8_next(&text, &code_point)) {
        if (gw_utf8_is_control(code_point))
            return true;
    }
    return false;
}

void gw_utf8_mask_controls(char *at, size_t length) {
    struct gw_str rest = gw_str(at, length);
    while (rest.length > 0) {
        uint32_t code_point;
        size_t taken = decode((const unsigned char *)rest.at, rest.length, &code_point);
        char *place = at + (length - rest.length);
        if (taken == 0)
            *place = '?';
        else if (gw_utf8_is_control(code_point))
            memset(place, ' ', taken);
        rest = gw_str_slice(rest, taken > 0 ? taken : 1, rest.length);
    }
}

struct range {
    uint32_t first;
    uint32_t last;
};

// Nothing is shown for these by themselves: combining marks by block or run, joiners, variation
// selectors, tags.
static const struct range zero_width[] = {
    {0x0300, 0x036F},   {0x0483, 0x0489},   {0x0591, 0x05BD},   {0x05BF, 0x05BF},
    {0x05C1, 0x05C2},   {0x05C4, 0x05C5},   {0x05C7, 0x05C7},   {0x0610, 0x061A},
    {0x061C, 0x061C},   {0x064B, 0x065F},   {0x0670, 0x0670},   {0x06D6, 0x06DC},
    {0x06DF, 0x06E4},   {0x06E7, 0x06E8},   {0x06EA, 0x06ED},   {0x0711, 0x0711},
    {0x0730, 0x074A},   {0x07A6, 0x07B0},   {0x07EB, 0x07F3},   {0x0816, 0x0819},
    {0x081B, 0x0823},   {0x0825, 0x0827},   {0x0829, 0x082D},   {0x0859, 0x085B},
    {0x08CA, 0x08E1},   {0x08E3, 0x0902},   {0x093A, 0x093A},   {0x093C, 0x093C},
    {0x0941, 0x0948},   {0x094D, 0x094D},   {0x0951, 0x0957},   {0x0962, 0x0963},
    {0x0E31, 0x0E31},   {0x0E34, 0x0E3A},   {0x0E47, 0x0E4E},   {0x0EB1, 0x0EB1},
    {0x0EB4, 0x0EBC},   {0x0EC8, 0x0ECE},   {0x1160, 0x11FF},   {0x135D, 0x135F},
    {0x1AB0, 0x1ACE},   {0x1DC0, 0x1DFF},   {0x200B, 0x200F},   {0x2028, 0x202E},
    {0x2060, 0x206F},   {0x20D0, 0x20F0},   {0x302A, 0x302D},   {0x3099, 0x309A},
    {0xFE00, 0xFE0F},   {0xFE20, 0xFE2F},   {0xFEFF, 0xFEFF},   {0xFFF9, 0xFFFB},
    {0x1D167, 0x1D169}, {0x1D173, 0x1D182}, {0xE0001, 0xE0001}, {0xE0020, 0xE007F},
    {0xE0100, 0xE01EF},
};

// East Asian Wide and Fullwidth (UAX #11), and code points that terminals draw as emoji. Not the
// regional indicators: two of them make one flag of two columns.
static const struct range double_width[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x2329, 0x232A},   {0x23E9, 0x23EC},
    {0x23F0, 0x23F0},   {0x23F3, 0x23F3},   {0x25FD, 0x25FE},   {0x2614, 0x2615},
    {0x2648, 0x2653},   {0x267F, 0x267F},   {0x2693, 0x2693},   {0x26A1, 0x26A1},
    {0x26AA, 0x26AB},   {0x26BD, 0x26BE},   {0x26C4, 0x26C5},   {0x26CE, 0x26CE},
    {0x26D4, 0x26D4},   {0x26EA, 0x26EA},   {0x26F2, 0x26F3},   {0x26F5, 0x26F5},
    {0x26FA, 0x26FA},   {0x26FD, 0x26FD},   {0x2705, 0x2705},   {0x270A, 0x270B},
    {0x2728, 0x2728},   {0x274C, 0x274C},   {0x274E, 0x274E},   {0x2753, 0x2755},
    {0x2757, 0x2757},   {0x2795, 0x2797},   {0x27B0, 0x27B0},   {0x27BF, 0x27BF},
    {0x2B1B, 0x2B1C},   {0x2B50, 0x2B50},   {0x2B55, 0x2B55},   {0x2E80, 0x303E},
    {0x3041, 0x33FF},   {0x3400, 0x4DBF},   {0x4E00, 0xA4CF},   {0xA960, 0xA97F},
    {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE10, 0xFE19},   {0xFE30, 0xFE6F},
    {0xFF01, 0xFF60},   {0xFFE0, 0xFFE6},   {0x16FE0, 0x18DFF}, {0x1AFF0, 0x1B2FF},
    {0x1F004, 0x1F004}, {0x1F0CF, 0x1F0CF}, {0x1F18E, 0x1F18E}, {0x1F191, 0x1F19A},
    {0x1F200, 0x1F320}, {0x1F32D, 0x1F335}, {0x1F337, 0x1F37C}, {0x1F37E, 0x1F393},
    {0x1F3A0, 0x1F3CA}, {0x1F3CF, 0x1F3D3}, {0x1F3E0, 0x1F3F0}, {0x1F3F4, 0x1F3F4},
    {0x1F3F8, 0x1F43E}, {0x1F440, 0x1F440}, {0x1F442, 0x1F4FC}, {0x1F4FF, 0x1F53D},
    {0x1F54B, 0x1F54E}, {0x1F550, 0x1F567}, {0x1F57A, 0x1F57A}, {0x1F595, 0x1F596},
    {0x1F5A4, 0x1F5A4}, {0x1F5FB, 0x1F64F}, {0x1F680, 0x1F6C5}, {0x1F6CC, 0x1F6CC},
    {0x1F6D0, 0x1F6D2}, {0x1F6D5, 0x1F6DF}, {0x1F6EB, 0x1F6EC}, {0x1F6F4, 0x1F6FC},
    {0x1F7E0, 0x1F7EB}, {0x1F7F0, 0x1F7F0}, {0x1F90C, 0x1F93A}, {0x1F93C, 0x1F945},
    {0x1F947, 0x1F9FF}, {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD},
};

static bool is_in(const struct range *ranges, size_t count, uint32_t code_point) {
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (code_point > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && code_point >= ranges[low].first;
}

int gw_utf8_columns(uint32_t code_point) {
    if (gw_utf8_is_control(code_point))
        return 0;
    if (code_point < 0x300)
        return 1;
    if (is_in(zero_width, sizeof(zero_width) / sizeof(zero_width[0]), code_point))
        return 0;
    if (is_in(double_width, sizeof(double_width) / sizeof(double_width[0]), code_point))
        return 2;
    return 1;
}

size_t gw_utf8_encode(uint32_t code_point, char out[4]) {
    gw_assert(code_point <= 0x10FFFF && (code_point < 0xD800 || code_point > 0xDFFF));
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    size_t length = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code_point & 0x3F));
        code_point >>= 6;
    }
    out[0] = (char)((0xF00U >> length) | code_point);
    return length;
}
