// SPDX-License-Identifier: MIT
#pragma once
// The code that a person reads at one device and types at another (RFC 8628 section 6.1):
// "BCDF-1234", four letters and four digits. The letters are consonants, so that no word comes of
// them, and none looks like a digit at its place. Each of the 1.6 thousand million codes is as
// likely as any other. Pure.

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/str.h"

#define GW_USER_CODE_LENGTH 9
#define GW_USER_CODE_RANDOM_BYTES 64 // fewer than 1 in 10^40 of these is not enough for a code

// From random bytes, of which those that would make some characters likelier are passed over.
// False: too few of them are left.
bool gw_user_code_make(const unsigned char *random, size_t length,
                       char out[GW_USER_CODE_LENGTH + 1]) GW_MUST_USE;
// A code as somebody typed it: in either case, and with a hyphen, a blank or nothing between its
// letters and digits. False: it has another form. `out` is the code as it was shown.
bool gw_user_code_read(struct gw_str typed, char out[GW_USER_CODE_LENGTH + 1]) GW_MUST_USE;
