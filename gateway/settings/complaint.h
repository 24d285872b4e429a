// SPDX-License-Identifier: MIT
#pragma once
// A mistake or a failure at start, for the person at the shell: one line on stderr, whatever text
// it holds. Arguments, variables and messages of PostgreSQL are foreign text that may command a
// terminal; so control characters and bytes that are not UTF-8 are masked as base/utf8.h says.

#define GW_COMPLAINT_BYTES_MAX 2048

// "skillreg-gateway: <text>", cut to fit. Never given a secret.
// Behind gw_complaints_catch(text) it goes there instead, terminated, without the name of the
// program; of several the last stays. NULL: to stderr again.
void gw_complaints_catch(char text[GW_COMPLAINT_BYTES_MAX]);
void gw_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
