// SPDX-License-Identifier: MIT
#pragma once
// `skillreg completion bash|zsh|fish`: prints the script that makes the shell ask
// `skillreg __complete` (cli/complete_cmd.h) for what may stand at the cursor.
//
// A candidate may be a name that somebody else gave to a token: a script never lets its shell
// evaluate one, and puts it into the command line quoted.

#include "cli/options.h"

enum cli_exit cli_completion_cmd(const struct cli_options *options,
                                 struct cli_reason *why) GW_MUST_USE;
