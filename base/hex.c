// SPDX-License-Identifier: MIT
#include "base/hex.h"

void gw_hex_encode(const void *bytes, size_t length, char *out) {
    static const char digits[] = "0123456789abcdef";
    const unsigned char *from = bytes;
    for (size_t i = 0; i < length; i++) {
        *out++ = digits[from[i] >> 4];
        *out++ = digits[from[i] & 15];
    }
}
