// SPDX-License-Identifier: MIT
#include "base/plain_text.h"

#include <string.h>

#include "base/word.h"

// Eight bytes at once, because it runs over every byte written: each term sets the top bit of a
// byte that it looks for, and borrows from the next one there alone. The members of two pairs of
// special characters differ in one bit, so that one term finds both.
static bool are_plain(uint64_t word) {
    const uint64_t ones = GW_WORD_EACH(1);
    uint64_t control = word - GW_WORD_EACH(0x20);
    uint64_t deleted = word + ones;
    uint64_t quote = ((word | GW_WORD_EACH('"' ^ '&')) ^ GW_WORD_EACH('&')) - ones;
    uint64_t angle = ((word | GW_WORD_EACH('<' ^ '>')) ^ GW_WORD_EACH('>')) - ones;
    uint64_t backslash = (word ^ GW_WORD_EACH('\\')) - ones;
    return ((word | control | deleted | quote | angle | backslash) & GW_WORD_EACH(0x80)) == 0;
}

// Copies a word if it is plain.
static bool copy_plain_word(char *out, const char *at) {
    uint64_t word;
    memcpy(&word, at, GW_WORD_BYTES);
    if (!are_plain(word))
        return false;
    memcpy(out, &word, GW_WORD_BYTES);
    return true;
}

static bool is_plain(char c) {
    static const uint64_t plain[2] = {0xafffffbb00000000, 0x7fffffffefffffff};
    unsigned char byte = (unsigned char)c;
    return byte < 128 && (plain[byte >> 6] >> (byte & 63) & 1) != 0;
}

#define HALF_BYTES sizeof(uint32_t)

// The same of less than a word: two halves that overlap, or byte by byte.
static size_t copy_plain_rest(char *out, struct gw_str text) {
    if (text.length >= HALF_BYTES) {
        uint32_t first;
        uint32_t last;
        size_t last_at = text.length - HALF_BYTES;
        memcpy(&first, text.at, HALF_BYTES);
        memcpy(&last, text.at + last_at, HALF_BYTES);
        if (are_plain((uint64_t)first << 32 | last)) {
            memcpy(out, &first, HALF_BYTES);
            memcpy(out + last_at, &last, HALF_BYTES);
            return text.length;
        }
    }
    size_t count = 0;
    for (; count < text.length && is_plain(text.at[count]); count++)
        out[count] = text.at[count];
    return count;
}

size_t gw_plain_copy(char *out, struct gw_str text) {
    size_t count = 0;
    if (text.length == 0)
        return 0;
    while (text.length - count >= GW_WORD_BYTES && copy_plain_word(out + count, text.at + count))
        count += GW_WORD_BYTES;
    // The rest, shorter than a word: the last word of the text, which overlaps what is copied.
    size_t last = text.length - GW_WORD_BYTES;
    if (count > 0 && count > last && copy_plain_word(out + last, text.at + last))
        return text.length;
    size_t rest = text.length - count < GW_WORD_BYTES ? text.length - count : GW_WORD_BYTES;
    return count + copy_plain_rest(out + count, gw_str(text.at + count, rest));
}
