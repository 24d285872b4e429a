// SPDX-License-Identifier: MIT
#pragma once
// What settings must be together.

#include <stdbool.h>

#include "gateway/settings/config.h"

// Also makes of their values what follows from others. False after a line on stderr.
bool gw_config_check(struct gw_config *config) GW_MUST_USE;
