// SPDX-License-Identifier: MIT
#pragma once
// Classes of ASCII characters, whatever the locale.

#include <stdbool.h>

static inline bool gw_ascii_is_digit(char c) {
    return c >= '0' && c <= '9';
}
static inline bool gw_ascii_is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
static inline bool gw_ascii_is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
static inline bool gw_ascii_is_alphanumeric(char c) {
    return gw_ascii_is_lower(c) || gw_ascii_is_upper(c) || gw_ascii_is_digit(c);
}
static inline bool gw_ascii_is_lower_alphanumeric(char c) {
    return gw_ascii_is_lower(c) || gw_ascii_is_digit(c);
}
// Other characters stay as they are.
static inline char gw_ascii_to_lower(char c) {
    return gw_ascii_is_upper(c) ? (char)(c | 0x20) : c;
}
// Of a hexadecimal digit in either case; -1 for other characters.
static inline int gw_ascii_hex_value(char c) {
    if (gw_ascii_is_digit(c))
        return c - '0';
    c = gw_ascii_to_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}
