// SPDX-License-Identifier: MIT
#pragma once
// SHA-256 (FIPS 180-4) of a whole text, by the faster library.

#include "base/str.h"

#define TLS_SHA256_BYTES 32

// Leaves no copy of `text` in memory.
void tls_sha256(struct gw_str text, unsigned char digest[TLS_SHA256_BYTES]);
