// SPDX-License-Identifier: MIT
#pragma once
// The name of a token, as lists and the log show it.

#include <stdbool.h>

#include "base/str.h"

#define GW_TOKEN_NAME_CHARACTERS_MAX 100

// 1 to GW_TOKEN_NAME_CHARACTERS_MAX characters of valid UTF-8, no control, not blank throughout.
bool gw_token_name_valid(struct gw_str name);
