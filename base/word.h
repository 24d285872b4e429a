// SPDX-License-Identifier: MIT
#pragma once
// Eight bytes of text at once, in a uint64_t, for loops over every byte of a request or an answer.

#include <stdbool.h>
#include <stdint.h>

#define GW_WORD_BYTES sizeof(uint64_t)
#define GW_WORD_EACH(byte) (UINT64_C(0x0101010101010101) * (byte)) // the same byte eight times

// Whether one of the eight is `byte`. A byte that is not 0 borrows only beside one that is.
static inline bool gw_word_has(uint64_t word, unsigned char byte) {
    uint64_t other = word ^ GW_WORD_EACH(byte);
    return ((other - GW_WORD_EACH(1)) & ~other & GW_WORD_EACH(0x80)) != 0;
}
