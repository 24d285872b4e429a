// SPDX-License-Identifier: MIT
#pragma once
// How a run of the command line ends: an exit code, and for every code except 0 one sentence on
// stderr.
//
// A function that can fail returns enum cli_exit and, when that is not CLI_DONE, has filled the
// trailing struct cli_reason through cli_fail. Only main prints an error: the sentence, once, on
// stderr. A command that succeeded with something to add says it through
// cli_note. Text of a peer may stand in a reason as it came; printing makes it harmless.

#include <stdio.h>

#include "base/str.h"

enum cli_exit {
    CLI_DONE = 0,
    CLI_FAILED = 1,      // refused by the gateway, or failed here
    CLI_USAGE = 2,       // the command line or a setting is wrong; nothing was changed
    CLI_UNREACHABLE = 3, // no connection, no TLS, no answer in time
    CLI_UNCONFIRMED = 4, // revoked, but a gateway may still let the token in
};

#define CLI_REASON_BYTES_MAX 1024

struct cli_reason {
    char text[CLI_REASON_BYTES_MAX]; // terminated; may be empty
};

// Fills *why (cut to fit) and returns `code`. Never given a secret.
enum cli_exit cli_fail(struct cli_reason *why, enum cli_exit code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// For failures that are not worth a sentence of their own: "out of memory" and its kin, CLI_FAILED.
enum cli_exit cli_fail_status(struct cli_reason *why, enum gw_status status);
// "skillreg: <text>" and a line end, control characters replaced; nothing when the text is empty.
void cli_reason_print(const struct cli_reason *why, FILE *stream);
// "skillreg: note: <text>" on stderr, made harmless in the same way.
void cli_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
// The same with a warning sign in front: something that needs doing before long.
void cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
