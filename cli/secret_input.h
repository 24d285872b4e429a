// SPDX-License-Identifier: MIT
#pragma once
// One line of standard input that must not be seen. On a terminal: a prompt on stderr, and no echo
// while it is typed; a signal that ends the program puts the terminal right first. Elsewhere (a
// pipe, a file): just the line.

#include <stddef.h>

#include "cli/outcome.h"

// Reads up to the line end or the end of the input, without either. `out` is not terminated; the
// caller wipes it. CLI_FAILED: nothing was typed, too long for `out`, or standard input cannot be
// read.
enum cli_exit cli_secret_input_read(const char *prompt, char *out, size_t out_max, size_t *length,
                                    struct cli_reason *why) GW_MUST_USE;
