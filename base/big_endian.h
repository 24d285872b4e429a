// SPDX-License-Identifier: MIT
#pragma once
// Numbers of 1 to 8 bytes in network order.

#include <stddef.h>
#include <stdint.h>

static inline void gw_put_big_endian(unsigned char *at, size_t bytes, uint64_t number) {
    for (size_t i = bytes; i > 0; i--, number >>= 8)
        at[i - 1] = (unsigned char)number;
}

static inline uint64_t gw_get_big_endian(const unsigned char *at, size_t bytes) {
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; i++)
        number = number << 8 | at[i];
    return number;
}
