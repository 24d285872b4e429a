// SPDX-License-Identifier: MIT
#pragma once
// What a stream can show: its width, and its characters. The documented texts hold three beyond
// ASCII: they are printed as documented everywhere except on a terminal whose locale is not UTF-8,
// which gets stand-ins. A file or a pipe always gets the documented bytes.

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct cli_symbols {
    const char *done;    // ✓ or OK
    const char *warning; // ⚠ or !
    const char *dash;    // — or -
};

// False only for a terminal in a locale of another encoding (setlocale must have run).
bool cli_terminal_is_utf8(FILE *stream);
struct cli_symbols cli_terminal_symbols(bool utf8);
// The columns of a terminal; 0 for a file, a pipe, and a terminal that does not say.
size_t cli_terminal_columns(FILE *stream);
