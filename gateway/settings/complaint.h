// SPDX-License-Identifier: MIT
#pragma once
// What the program says to who started it when something is wrong, on stderr: one line, whatever
// stands in it. Arguments, variables and the words of PostgreSQL may come from others, and a
// terminal reads more in them than people do; so control characters and bytes that are not UTF-8
// are masked as base/utf8.h says.

#define GW_COMPLAINT_BYTES_MAX 2048

// "skillreg-gateway: <text>", cut to fit. Never given a secret.
void gw_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
