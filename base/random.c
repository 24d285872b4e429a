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
