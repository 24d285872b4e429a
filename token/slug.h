// SPDX-License-Identifier: MIT
#pragma once
// The slug of an organisation: its name in URLs.

#include <stdbool.h>

#include "base/str.h"

// 2 to 48 of a-z 0-9 -, first and last alphanumeric.
bool gw_org_slug_valid(struct gw_str slug);
