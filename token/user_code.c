// SPDX-License-Identifier: MIT
#include "token/user_code.h"

#include "base/ascii.h"

#define HALF 4 // letters, and digits

static const char letters[] = "BCDFGHJKLMNPQRSTVWXZ";
static const char digits[] = "0123456789";
#define LETTER_COUNT (sizeof(letters) - 1)
#define DIGIT_COUNT (sizeof(digits) - 1)

struct source {
    const unsigned char *at;
    size_t left;
};

// A byte of the last, incomplete round of the alphabet would favour its first characters.
static bool draw(struct source *source, const char *alphabet, size_t count, char *out) {
    size_t limit = 256 - 256 % count;
    while (source->left > 0) {
        unsigned char byte = *source->at++;
        source->left--;
        if (byte < limit) {
            *out = alphabet[byte % count];
            return true;
        }
    }
    return false;
}

bool gw_user_code_make(const unsigned char *random, size_t length,
                       char out[GW_USER_CODE_LENGTH + 1]) {
    struct source source = {.at = random, .left = length};
    bool is_made = true;
    for (int i = 0; i < HALF && is_made; i++)
        is_made = draw(&source, letters, LETTER_COUNT, &out[i]) &&
                  draw(&source, digits, DIGIT_COUNT, &out[HALF + 1 + i]);
    out[HALF] = '-';
    out[GW_USER_CODE_LENGTH] = '\0';
    return is_made;
}

bool gw_user_code_read(struct gw_str typed, char out[GW_USER_CODE_LENGTH + 1]) {
    size_t gap = typed.length == GW_USER_CODE_LENGTH ? 1 : 0;
    if (typed.length != 2 * HALF + gap)
        return false;
    if (gap == 1 && typed.at[HALF] != '-' && typed.at[HALF] != ' ')
        return false;
    for (size_t i = 0; i < HALF; i++) {
        char letter = gw_ascii_to_lower(typed.at[i]);
        char digit = typed.at[HALF + gap + i];
        if (!gw_ascii_is_lower(letter) || !gw_ascii_is_digit(digit))
            return false;
        out[i] = (char)(letter - 'a' + 'A');
        out[HALF + 1 + i] = digit;
    }
    out[HALF] = '-';
    out[GW_USER_CODE_LENGTH] = '\0';
    return true;
}
