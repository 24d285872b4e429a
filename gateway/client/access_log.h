// SPDX-License-Identifier: MIT
#pragma once
// The line that --access-log writes for each request.

#include "gateway/exchange/exchange.h"

// When the response is complete or cut. Nothing for a head that could not be read, and nothing
// without --access-log.
void gw_access_log_write(const struct gw_exchange *exchange);
