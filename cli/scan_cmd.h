// SPDX-License-Identifier: MIT
#pragma once
// `skillreg scan`: the tokens that lie in files (cli/scan_stream.h), told on standard output by
// file and line, masked. Needs no gateway and no settings. How far it is stands on a terminal.

#include "cli/options.h"

// why->command_status is 1 when a token was found. CLI_USAGE (2): something could not be read.
enum cli_exit cli_scan_cmd(const struct cli_options *options, struct cli_reason *why) GW_MUST_USE;
