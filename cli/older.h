// SPDX-License-Identifier: MIT
#pragma once
// A gateway that is older than a flag ignores what it asks for; its answer is refused, and the
// sentence names the flags that were given, to leave them out.

#include "cli/options.h"
#include "cli/outcome.h"

#define CLI_OLDER_BYTES_MAX 128

struct cli_older { // zero: none yet
    char flags[CLI_OLDER_BYTES_MAX];
};

// The flag, if it was given.
void cli_older_add(struct cli_older *older, const struct cli_options *options, enum cli_flag flag);
// `what`: "choose events".
enum cli_exit cli_older_fail(const struct cli_older *older, const char *what,
                             struct cli_reason *why);
