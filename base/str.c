// SPDX-License-Identifier: MIT
#include "base/str.h"

#include <string.h>

#include "base/ascii.h"
#include "base/word.h"

struct gw_str gw_str_from(const char *terminated) {
    if (terminated == NULL)
        return GW_STR("");
    return gw_str(terminated, strlen(terminated));
}

bool gw_str_equal(struct gw_str a, struct gw_str b) {
    if (a.length != b.length)
        return false;
    return a.length == 0 || memcmp(a.at, b.at, a.length) == 0;
}

// gw_ascii_to_lower() of eight bytes at once: names of fields are compared on each request. The
// sums have the top bit of a byte set from 'A' on, and behind 'Z'; no carry leaves a byte.
static uint64_t fold_word(const char *at) {
    uint64_t word;
    memcpy(&word, at, GW_WORD_BYTES);
    uint64_t low = word & GW_WORD_EACH(0x7f);
    uint64_t is_upper = (low + GW_WORD_EACH(0x80 - 'A')) & ~(low + GW_WORD_EACH(0x7f - 'Z')) &
                        ~word & GW_WORD_EACH(0x80);
    return word | is_upper >> 2;
}

int gw_str_compare(struct gw_str a, struct gw_str b) {
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter > 0 ? memcmp(a.at, b.at, shorter) : 0;
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

bool gw_str_equal_nocase(struct gw_str a, struct gw_str b) {
    if (a.length != b.length)
        return false;
    size_t i = 0;
    for (; a.length - i >= GW_WORD_BYTES; i += GW_WORD_BYTES) {
        if (fold_word(a.at + i) != fold_word(b.at + i))
            return false;
    }
    for (; i < a.length; i++) {
        if (gw_ascii_to_lower(a.at[i]) != gw_ascii_to_lower(b.at[i]))
            return false;
    }
    return true;
}

bool gw_str_starts_with(struct gw_str str, struct gw_str prefix) {
    if (str.length < prefix.length)
        return false;
    return prefix.length == 0 || memcmp(str.at, prefix.at, prefix.length) == 0;
}

size_t gw_str_find(struct gw_str str, char c) {
    if (str.length == 0)
        return 0;
    const char *found = memchr(str.at, c, str.length);
    return found == NULL ? str.length : (size_t)(found - str.at);
}

struct gw_str gw_str_slice(struct gw_str str, size_t from, size_t to) {
    if (to > str.length)
        to = str.length;
    if (from > to)
        from = to;
    if (str.at == NULL)
        return str;
    return gw_str(str.at + from, to - from);
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

struct gw_str gw_str_trim(struct gw_str str) {
    size_t from = 0;
    size_t to = str.length;
    while (from < to && is_blank(str.at[from]))
        from++;
    while (to > from && is_blank(str.at[to - 1]))
        to--;
    return gw_str_slice(str, from, to);
}

bool gw_str_next(struct gw_str *rest, char separator, struct gw_str *element) {
    if (rest->at == NULL)
        return false;
    size_t length = gw_str_find(*rest, separator);
    *element = gw_str(rest->at, length);
    if (length == rest->length)
        *rest = gw_str(NULL, 0);
    else
        *rest = gw_str(rest->at + length + 1, rest->length - length - 1);
    return true;
}

bool gw_str_list_has(struct gw_str list, char separator, struct gw_str word) {
    struct gw_str element;
    while (word.length > 0 && gw_str_next(&list, separator, &element)) {
        if (gw_str_equal(gw_str_trim(element), word))
            return true;
    }
    return false;
}

enum gw_status gw_str_to_u64(struct gw_str digits, uint64_t *value) {
    if (digits.length == 0)
        return GW_INVALID;
    uint64_t sum = 0;
    bool overflow = false;
    for (size_t i = 0; i < digits.length; i++) {
        if (!gw_ascii_is_digit(digits.at[i]))
            return GW_INVALID;
        unsigned digit = (unsigned)(digits.at[i] - '0');
        overflow = overflow || __builtin_mul_overflow(sum, 10U, &sum) ||
                   __builtin_add_overflow(sum, digit, &sum);
    }
    if (overflow)
        return GW_TOO_BIG;
    *value = sum;
    return GW_OK;
}

bool gw_bytes_equal_constant_time(const void *a, const void *b, size_t length) {
    const char *left = a;
    const char *right = b;
    uint64_t difference = 0;
    for (size_t i = 0; i < length; i += sizeof(difference)) {
        uint64_t words[2] = {0};
        size_t bytes = length - i < sizeof(difference) ? length - i : sizeof(difference);
        memcpy(&words[0], left + i, bytes);
        memcpy(&words[1], right + i, bytes);
        difference |= words[0] ^ words[1];
        // so that the compiler cannot find out that the answer is known before the end
        __asm__ __volatile__("" : "+r"(difference));
    }
    return difference == 0;
}

void gw_bytes_wipe(void *at, size_t length) {
    if (length == 0)
        return;
    memset(at, 0, length);
    // The compiler must take it that the zeros are read here.
    __asm__ __volatile__("" : : "r"(at) : "memory");
}
