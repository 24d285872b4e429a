// SPDX-License-Identifier: MIT
#pragma once
// What each command requires of its flags and operands, and what their values mean: the step of
// cli_arguments_parse that is different for every command.

#include "cli/options.h"

// The command and its flags are known. CLI_USAGE when something is wrong or missing.
enum cli_exit cli_options_read(struct cli_options *options, struct cli_reason *why) GW_MUST_USE;
