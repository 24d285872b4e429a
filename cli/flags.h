// SPDX-License-Identifier: MIT
#pragma once
// The flags of the command line (cli/flag.h), by member, name, letter and command.

#include "base/str.h"
#include "cli/flag.h"

// Static storage.
const struct cli_flag_row *cli_flag_row(enum cli_flag flag);
bool cli_flag_is_of(enum cli_flag flag, enum cli_command command);
// A flag of that name, without the dashes; CLI_FLAG_COUNT when there is none.
enum cli_flag cli_flag_find(struct gw_str name);
enum cli_flag cli_flag_find_letter(char letter);
// The flag of the same name that `command` takes; CLI_FLAG_COUNT when it takes none.
enum cli_flag cli_flag_for(enum cli_flag flag, enum cli_command command);
