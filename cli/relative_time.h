// SPDX-License-Identifier: MIT
#pragma once
// How long ago something was, in the words of the documentation: "2 hours ago", "3 days ago"; and
// how far it lies ahead: "in 5 days".

#include <stdint.h>

#define CLI_RELATIVE_TIME_BYTES_MAX 32

// All times in milliseconds since 1970, all spans rounded down.

// Under a minute, and everything that lies ahead of `now_ms` (clocks of two machines differ), is
// "just now"; then minutes, hours, days up to 29, months of 30 days, years of 365.
void cli_relative_time_ago(int64_t then_ms, int64_t now_ms, char out[CLI_RELATIVE_TIME_BYTES_MAX]);
// Under a minute, and everything that has passed, is "now"; then minutes, hours, and days however
// many: a token made for 90 days has 89 a moment later, not 2 months.
void cli_relative_time_ahead(int64_t then_ms, int64_t now_ms,
                             char out[CLI_RELATIVE_TIME_BYTES_MAX]);
