// SPDX-License-Identifier: MIT
#pragma once
// The slug of an organisation: its name in URLs.

#include <stdbool.h>

#include "base/str.h"

#define GW_ORG_SLUG_LENGTH_MIN 2
#define GW_ORG_SLUG_LENGTH_MAX 48

// 2 to 48 of a-z 0-9 -, first and last alphanumeric.
bool gw_org_slug_valid(struct gw_str slug);
