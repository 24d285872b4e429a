// SPDX-License-Identifier: MIT
#pragma once
// How far a mistyped word is from the right one.

#include "base/str.h"

#define GW_EDIT_DISTANCE_WORD_MAX 48 // bytes; the beginning of a longer word is compared

// The least number of bytes to insert, remove, replace, or swap with their neighbour that makes `b`
// of `a`, no byte touched twice.
size_t gw_edit_distance(struct gw_str a, struct gw_str b);
