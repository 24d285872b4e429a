// SPDX-License-Identifier: MIT
#pragma once
// Hexadecimal.

#include <stddef.h>

// Lower case; `out` takes 2 * length bytes and no terminator.
void gw_hex_encode(const void *bytes, size_t length, char *out);
