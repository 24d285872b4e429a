// SPDX-License-Identifier: MIT
#pragma once
// SHA-256 (FIPS 180-4) of a whole text, by whichever library here is the faster.

#include "base/str.h"

#define TLS_SHA256_BYTES 32

// Leaves nothing of `text` in memory that is not the caller's.
void tls_sha256(struct gw_str text, unsigned char digest[TLS_SHA256_BYTES]);
