// SPDX-License-Identifier: MIT
#pragma once
// Random bytes of the operating system's CSPRNG (getrandom(2)).

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

// At most 256 bytes: the kernel, once seeded, gives that many at once and in full. GW_SYSTEM: it
// gives none.
enum gw_status gw_random_bytes(void *out, size_t length) GW_MUST_USE;

// ---- many numbers, cheaply ----

// xoshiro256++ (Blackman and Vigna, 2019): no system call, no repetition, well spread; whoever sees
// some numbers can tell the others, so for ids alone.
struct gw_random_sequence {
    uint64_t state[4];
};

// GW_SYSTEM: without random bytes the sequence is that of `fallback`, which may repeat elsewhere.
enum gw_status gw_random_sequence_seed(struct gw_random_sequence *random,
                                       uint64_t fallback) GW_MUST_USE;
uint64_t gw_random_next(struct gw_random_sequence *random);
