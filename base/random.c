// SPDX-License-Identifier: MIT
#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

#define BYTES_MAX 256

enum gw_status gw_random_bytes(void *out, size_t length) {
    gw_assert(length <= BYTES_MAX);
    ssize_t got;
    do
        got = getrandom(out, length, 0);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)length ? GW_OK : GW_SYSTEM;
}

// ---- many numbers ----

// The state is never only zeros, which would stay so.
enum gw_status gw_random_sequence_seed(struct gw_random_sequence *random, uint64_t fallback) {
    enum gw_status status = gw_random_bytes(random->state, sizeof(random->state));
    if (status != GW_OK)
        *random = (struct gw_random_sequence){{fallback, fallback, fallback, fallback}};
    random->state[3] |= 1;
    return status;
}

static uint64_t rotate_left(uint64_t number, int bits) {
    return number << bits | number >> (64 - bits);
}

uint64_t gw_random_next(struct gw_random_sequence *random) {
    uint64_t *state = random->state;
    uint64_t number = rotate_left(state[0] + state[3], 23) + state[0];
    uint64_t shifted = state[1] << 17;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate_left(state[3], 45);
    return number;
}
