// SPDX-License-Identifier: MIT
#pragma once
// A checksum against accidents, not against forgery.

#include <stddef.h>
#include <stdint.h>

// CRC-32 of IEEE 802.3 (reflected 0xEDB88320), as zlib's; start with 0.
uint32_t gw_crc32(uint32_t crc, const void *bytes, size_t length);
