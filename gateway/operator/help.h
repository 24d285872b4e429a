// SPDX-License-Identifier: MIT
#pragma once
// What --help prints.

void gw_operator_help_show(void);
// The same text, for the man page.
const char *gw_operator_help_text(void);
