// SPDX-License-Identifier: MIT
#pragma once
// The hash function of every table: a folded 128-bit multiplication for eight bytes. Fast and well
// spread, also over keys that count up; no cryptography. Where a peer chooses the keys (addresses),
// the seed is secret and random, so the peer cannot choose keys that share a place.

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

// A secret seed. GW_SYSTEM without random bytes.
enum gw_status gw_hash_seed_make(uint64_t *seed) GW_MUST_USE;
uint64_t gw_hash_bytes(uint64_t seed, const void *bytes, size_t length);
uint64_t gw_hash_number(uint64_t seed, uint64_t number);
