// SPDX-License-Identifier: MIT
#include "base/hex.h"

#include <string.h>

// clang-format off
#define ROW(high)                                                                                  \
    high "0" high "1" high "2" high "3" high "4" high "5" high "6" high "7"                        \
    high "8" high "9" high "a" high "b" high "c" high "d" high "e" high "f"
// clang-format on

void gw_hex_encode(const void *bytes, size_t length, char *out) {
    static const char pairs[] = ROW("0") ROW("1") ROW("2") ROW("3") ROW("4") ROW("5") ROW("6")
        ROW("7") ROW("8") ROW("9") ROW("a") ROW("b") ROW("c") ROW("d") ROW("e") ROW("f");
    const unsigned char *from = bytes;
    for (size_t i = 0; i < length; i++)
        memcpy(out + 2 * i, pairs + (size_t)2 * from[i], 2);
}
