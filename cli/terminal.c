// SPDX-License-Identifier: MIT
#include "cli/terminal.h"

#include <langinfo.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool cli_terminal_is_utf8(FILE *stream) {
    return !isatty(fileno(stream)) || strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

struct cli_symbols cli_terminal_symbols(bool utf8) {
    if (utf8)
        return (struct cli_symbols){.done = "✓", .warning = "⚠", .dash = "—"};
    return (struct cli_symbols){.done = "OK", .warning = "!", .dash = "-"};
}

size_t cli_terminal_columns(FILE *stream) {
    struct winsize size;
    return ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
