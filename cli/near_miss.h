// SPDX-License-Identifier: MIT
#pragma once
// What somebody meant who typed a command or a flag that there is not: the nearest one that there
// is, by the other words that people use for it (the rows' `instead`) or by a slip of the fingers.

#include "cli/commands.h"
#include "cli/flags.h"
#include "cli/outcome.h"

// `words` are as they were typed, none of them a command as they stand; CLI_COMMAND_NONE when
// nothing is near.
enum cli_command cli_near_miss_command(const char *const words[], size_t count);
// Whether the last of `words` begins with the last word of a command that takes an operand, as in
// "token revokeclx7f2k3a"; that command, or CLI_COMMAND_NONE.
enum cli_command cli_near_miss_glued(const char *const words[], size_t count);
// CLI_USAGE: says which command is unknown, and what was meant.
enum cli_exit cli_near_miss_fail(const char *const words[], size_t count,
                                 struct cli_reason *why) GW_MUST_USE;
// Of all flags; CLI_FLAG_COUNT when nothing is near.
enum cli_flag cli_near_miss_flag(struct gw_str name);
// Of those that the command takes.
enum cli_flag cli_near_miss_flag_of(struct gw_str name, enum cli_command command);
