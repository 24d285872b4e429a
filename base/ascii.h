// SPDX-License-Identifier: MIT
#pragma once
// Classes of ASCII characters, whatever the locale.

#include <stdbool.h>

static inline bool gw_ascii_is_lower_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
