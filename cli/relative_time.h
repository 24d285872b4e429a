// SPDX-License-Identifier: MIT
#pragma once
// How long ago something was, in the words of the documentation: "2 hours ago", "3 days ago".

#include <stdint.h>

#define CLI_RELATIVE_TIME_BYTES_MAX 32

// Both times in milliseconds since 1970. Under a minute, and everything that lies ahead of `now_ms` (clocks of two
// machines differ), is "just now"; then minutes, hours, days up to 29, months of 30 days, years of 365. Rounded down.
void cli_relative_time_format(int64_t then_ms, int64_t now_ms,
                              char out[CLI_RELATIVE_TIME_BYTES_MAX]);
