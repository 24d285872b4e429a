// SPDX-License-Identifier: MIT
#pragma once
// Random bytes of the operating system's CSPRNG (getrandom(2)).

#include <stddef.h>

#include "base/status.h"

// At most 256 bytes: so many neither block, once the kernel is seeded, nor come short. GW_SYSTEM
// when there are none.
enum gw_status gw_random_bytes(void *out, size_t length) GW_MUST_USE;
