// SPDX-License-Identifier: MIT
#pragma once
// Random bytes of the operating system's CSPRNG (getrandom(2)).

#include <stddef.h>

#include "base/status.h"

// At most 256 bytes: the kernel, once seeded, gives that many at once and in full. GW_SYSTEM: it
// gives none.
enum gw_status gw_random_bytes(void *out, size_t length) GW_MUST_USE;
