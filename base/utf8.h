// SPDX-License-Identifier: MIT
#pragma once
// UTF-8 (RFC 3629) as the database, the log and the tables of the command line need it.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

// Strict: no overlong form, no surrogate, nothing above U+10FFFF. NUL is valid UTF-8.
bool gw_utf8_valid(struct gw_str text);
// Takes one code point from the front of *rest (false at the end). An invalid byte yields U+FFFD
// and takes one byte.
bool gw_utf8_next(struct gw_str *rest, uint32_t *code_point);
// True for C0, DEL, C1, and for the format characters that change how text around them is shown
// (U+061C, U+200E, U+200F, U+2028-U+202E, U+2066-U+2069, U+FEFF).
bool gw_utf8_is_control(uint32_t code_point);
bool gw_utf8_has_control(struct gw_str text);
// Makes foreign text harmless in place: a blank for each byte of such a character, "?" for a byte
// that is not UTF-8, which a terminal of another encoding may take for a control.
void gw_utf8_mask_controls(char *at, size_t length);
// Terminal columns: 0 for combining marks and controls, 2 for East Asian wide and emoji, else 1.
int gw_utf8_columns(uint32_t code_point);
// Writes 1-4 bytes, returns how many. `code_point` must be a scalar value.
size_t gw_utf8_encode(uint32_t code_point, char out[4]);
