// SPDX-License-Identifier: MIT
#pragma once
// What --help prints. Plain ASCII, at most 80 columns.

#include "cli/options.h"

// The help of a command, static storage.
const char *cli_help_text(enum cli_command command);
