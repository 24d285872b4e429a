// SPDX-License-Identifier: MIT
#pragma once
// Ids of tokens and organisations: "cl", 8 characters of time and 14 random ones, base 36. They
// sort by age, and are unique without coordination.

#include <stdbool.h>

#include "base/status.h"
#include "base/str.h"

#define GW_ID_LENGTH 24

// GW_SYSTEM: the operating system has no random bytes.
enum gw_status gw_id_make(char out[GW_ID_LENGTH + 1]) GW_MUST_USE;
// The check of an id from a client, before it reaches the database: 1 to 32 of a-z 0-9.
bool gw_id_valid(struct gw_str id);
