// SPDX-License-Identifier: MIT
#pragma once
// The line that --access-log writes for each request: docs/log.md.

#include "gateway/exchange/exchange.h"

// When the response is complete or cut, before the exchange ends. Nothing without --access-log.
void gw_access_log_write(struct gw_exchange *exchange);
