// SPDX-License-Identifier: MIT
#pragma once
// skillreg(1), made from the rows that make --help. `skillreg __man` prints it, for the build.

#include "cli/output.h"

void cli_man_page_put(struct cli_output *output);
