// SPDX-License-Identifier: MIT
#pragma once
// Standard output, or standard error: gathered first, then written in one go, past stdio, and
// wiped, as it may hold a new token.
//
// The first failure sticks and comes back from cli_output_send, so callers need not check each
// piece.

#include <stdio.h>

#include "base/buf.h"
#include "cli/outcome.h"
#include "cli/terminal.h"

struct cli_output {
    struct gw_buf bytes;
    enum gw_status status;
    FILE *stream; // where it goes, past its buffer
    bool utf8;
    size_t columns; // of the terminal; 0: as many as it takes
    struct cli_symbols symbols;
};

void cli_output_init(struct cli_output *output);
// For another stream: stderr, when somebody is to be asked about it.
void cli_output_init_for(struct cli_output *output, FILE *stream);
// Wipes and frees; harmless after cli_output_send.
void cli_output_deinit(struct cli_output *output);
// Text of our own.
void cli_output_put(struct cli_output *output, const char *text);
void cli_output_put_str(struct cli_output *output, struct gw_str text);
// Text of others, made harmless as cli/text.h says.
void cli_output_put_clean(struct cli_output *output, struct gw_str text);
// JSON of others, the same.
void cli_output_put_json(struct cli_output *output, struct gw_str json);
// Writes everything, then deinit. On CLI_FAILED *why says so, but is empty when the reader of a
// pipe has gone, which is not reported: main ends then as SIGPIPE ends others.
enum cli_exit cli_output_send(struct cli_output *output, struct cli_reason *why) GW_MUST_USE;
