// SPDX-License-Identifier: MIT
#pragma once
// Base64 with the alphabet of URLs and without padding (RFC 4648 section 5). No branch depends on
// a character: what is encoded may be a secret.

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

#define gw_base64url_length(length) ((4 * (length) + 2) / 3)
// `out` takes gw_base64url_length(length) bytes, no terminator.
void gw_base64url_encode(const void *bytes, size_t length, char *out);
// GW_INVALID on a character outside the alphabet, an impossible length or stray bits in the last
// character; GW_TOO_BIG when `out_max` bytes are too few.
enum gw_status gw_base64url_decode(struct gw_str text, void *out, size_t out_max,
                                   size_t *out_length) GW_MUST_USE;
bool gw_base64url_is_char(char c);
