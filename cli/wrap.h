// SPDX-License-Identifier: MIT
#pragma once
// Our own text in lines of at most CLI_WRAP_COLUMNS, as a terminal shows it.

#include "cli/output.h"

#define CLI_WRAP_COLUMNS 80

// Puts `text` in lines that begin at column `indent`; the cursor is there already. A line end of
// the text stands, and a line that begins with a blank is not wrapped. Ends with a line end.
void cli_wrap_put(struct cli_output *output, const char *text, size_t indent);
// Blanks up to a column.
void cli_wrap_put_blanks(struct cli_output *output, size_t count);
