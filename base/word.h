// SPDX-License-Identifier: MIT
#pragma once
// Eight bytes of text at once, in a uint64_t, for loops over every byte of a request or an answer.

#include <stdint.h>

#define GW_WORD_BYTES sizeof(uint64_t)
#define GW_WORD_EACH(byte) (UINT64_C(0x0101010101010101) * (byte)) // the same byte eight times
