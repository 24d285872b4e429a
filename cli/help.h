// SPDX-License-Identifier: MIT
#pragma once
// What --help prints, made from the rows of cli/commands.h and cli/flags.h. Plain ASCII, at most 80
// columns.

#include "cli/commands.h"
#include "cli/output.h"

void cli_help_put(struct cli_output *output, enum cli_command command);
