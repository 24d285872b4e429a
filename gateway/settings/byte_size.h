// SPDX-License-Identifier: MIT
#pragma once
// An amount of memory as an operator writes it: 512M, with K, M or G for powers of 1024, or off.

#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

#define GW_BYTE_SIZE_MIN (1024 * 1024) // less is a mistake: somebody forgot the unit

// `off` is 0. GW_INVALID.
enum gw_status gw_byte_size_parse(struct gw_str text, uint64_t *bytes) GW_MUST_USE;
