// SPDX-License-Identifier: MIT
#pragma once
// Parameters of a query, raw: what their values must be is for the request that knows them.

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

// Takes the next parameter from the front of *query: "name=value", or "name" alone with an empty
// value. False when *query is used up (.at NULL).
bool gw_query_next(struct gw_str *query, struct gw_str *name, struct gw_str *value);
// A decimal number from 1 to `max`.
bool gw_query_number(struct gw_str value, uint32_t max, uint32_t *number) GW_MUST_USE;
