// SPDX-License-Identifier: MIT
#include "base/hash.h"

#include <string.h>

#include "base/random.h"

// Odd, and half of the bits set.
#define FACTOR UINT64_C(0x9e3779b97f4a7c15)
#define FACTOR_LAST UINT64_C(0xd6e8feb86659fd93)

__extension__ typedef unsigned __int128 uint128;

enum gw_status gw_hash_seed_make(uint64_t *seed) {
    return gw_random_bytes(seed, sizeof(*seed));
}

// A product carries upwards only; the upper half brings that down again.
static uint64_t fold(uint64_t value, uint64_t factor) {
    uint128 product = (uint128)value * factor;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t gw_hash_number(uint64_t seed, uint64_t number) {
    return fold(fold(number ^ seed, FACTOR) ^ seed, FACTOR_LAST);
}

uint64_t gw_hash_bytes(uint64_t seed, const void *bytes, size_t length) {
    const unsigned char *at = bytes;
    uint64_t hash = seed ^ length;
    uint64_t word;
    for (; length >= sizeof(word); at += sizeof(word), length -= sizeof(word)) {
        memcpy(&word, at, sizeof(word));
        hash = fold(hash ^ word, FACTOR);
    }
    if (length > 0) {
        word = 0;
        memcpy(&word, at, length);
        hash = fold(hash ^ word, FACTOR);
    }
    return fold(hash ^ seed, FACTOR_LAST);
}
