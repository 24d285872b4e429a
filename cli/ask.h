// SPDX-License-Identifier: MIT
#pragma once
// A question with yes or no as its answer, at a terminal: both standard input, where the answer
// comes from, and standard error, where the question is shown, must be one.

#include <stdbool.h>

enum cli_ask_answer {
    CLI_ASK_NOBODY, // nothing was shown: there is no terminal
    CLI_ASK_NO,     // also an empty line, the end of input, and whatever is not yes
    CLI_ASK_YES,    // y or yes, in any case
};

// Whether there is a terminal to ask at.
bool cli_ask_can(void);
// Shows "<question> [y/N] " and waits for a line. The question is made harmless as cli/text.h says.
enum cli_ask_answer cli_ask(const char *format, ...) __attribute__((format(printf, 1, 2)));
