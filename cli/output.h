// SPDX-License-Identifier: MIT
#pragma once
// Standard output: gathered first, then written in one go, past stdio, and wiped, as it may hold a
// new token.
//
// The first failure sticks and comes back from cli_output_send, so callers need not check each
// piece.

#include "base/buf.h"
#include "cli/outcome.h"
#include "cli/terminal.h"

struct cli_output {
    struct gw_buf bytes;
    enum gw_status status;
    bool utf8;
    struct cli_symbols symbols;
};

void cli_output_init(struct cli_output *output);
// Wipes and frees; harmless after cli_output_send.
void cli_output_deinit(struct cli_output *output);
// Text of our own.
void cli_output_put(struct cli_output *output, const char *text);
// Text of others, made harmless as cli/text.h says.
void cli_output_put_clean(struct cli_output *output, struct gw_str text);
// JSON of others, the same.
void cli_output_put_json(struct cli_output *output, struct gw_str json);
// Writes everything, then deinit. On CLI_FAILED *why says so, but is empty when the reader of a
// pipe has gone, which is not reported.
enum cli_exit cli_output_send(struct cli_output *output, struct cli_reason *why) GW_MUST_USE;
