// SPDX-License-Identifier: MIT
#pragma once
// How long to pause before the next attempt to connect. Pure, except for the random numbers of the
// system.

#include <stdint.h>

#define GW_DB_RECONNECT_MIN_MS 100
// With this and GW_DB_CONNECT_TIMEOUT_MS changes are back within ten seconds of a promotion.
#define GW_DB_RECONNECT_MAX_MS 2000

// Doubles with the attempts that failed in a row from GW_DB_RECONNECT_MIN_MS to
// GW_DB_RECONNECT_MAX_MS; half of it is random, so that many gateways do not come back at once.
uint64_t db_backoff_pause_ms(int attempts);
// Uniform enough for spreading things in time; `bound` is positive.
uint64_t db_backoff_random_below(uint64_t bound);
