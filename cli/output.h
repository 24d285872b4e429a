// SPDX-License-Identifier: MIT
#pragma once
// Standard output: gathered first, then written in one go, past stdio, and wiped, for it may hold a new token.
//
// The documented texts hold three characters beyond ASCII. They are printed as documented everywhere but on a
// terminal whose locale is not UTF-8, which gets stand-ins. A file or a pipe always gets the documented bytes.
//
// The first failure sticks and comes back from cli_output_send, so callers need not check each piece.

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "cli/outcome.h"

struct cli_symbols {
    const char *done;    // ✓ or OK
    const char *warning; // ⚠ or !
    const char *dash;    // — or -
};

struct cli_output {
    struct gw_buf bytes;
    enum gw_status status;
    bool utf8;
    struct cli_symbols symbols;
};

// False only for a terminal in a locale of another encoding (setlocale must have run).
bool cli_output_is_utf8(FILE *stream);
struct cli_symbols cli_output_symbols(bool utf8);

void cli_output_init(struct cli_output *output);
// Wipes and frees; harmless after cli_output_send.
void cli_output_deinit(struct cli_output *output);
// Text of our own.
void cli_output_put(struct cli_output *output, const char *text);
// Text of others, made harmless as cli/text.h says.
void cli_output_put_clean(struct cli_output *output, struct gw_str text);
// Bytes as they are: JSON of the gateway.
void cli_output_put_bytes(struct cli_output *output, struct gw_str bytes);
// Writes everything, then deinit. On CLI_FAILED *why says so, but is empty when the reader of a pipe has gone, which is
// worth no complaint.
enum cli_exit cli_output_send(struct cli_output *output, struct cli_reason *why) GW_MUST_USE;
