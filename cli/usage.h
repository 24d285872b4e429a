// SPDX-License-Identifier: MIT
#pragma once
// How a command is typed: "skillreg token create --name <name> [--scopes <list>] [--json]".

#include "cli/commands.h"
#include "cli/output.h"

#define CLI_USAGE_BYTES_MAX 2048

// Puts `before`, the words of the command and `usage`, wrapped between the flags, below each other.
// Where `usage` is NULL it is made from the operand and the flags of the command, except the
// general ones.
void cli_usage_put_line(struct cli_output *output, const char *before, enum cli_command command,
                        const char *usage);

struct cli_usage_line {
    char text[CLI_USAGE_BYTES_MAX];
};

// The operand and the flags of the command, as they are put where `usage` is NULL, behind a blank.
void cli_usage_make(enum cli_command command, struct cli_usage_line *line);
// What the command cannot do without, each after a blank: " --name <name>", " <id>".
void cli_usage_needs(enum cli_command command, struct cli_usage_line *needs);
