// SPDX-License-Identifier: MIT
#pragma once
// From the arguments of the command line to struct cli_options. Nothing here reads the environment
// or a file.
//
// Flags may stand before, between and after the words of the command, as `--flag value` or
// `--flag=value`; `--` ends them. A flag given twice (except a repeatable one), unknown, or of
// another command is refused. No argument takes a token, as `ps` would show it.

#include "cli/options.h"

// Values point into `arguments`, which begins with the program's name. CLI_USAGE when something is
// wrong or missing; options->command then says how far it got, for the hint. With --help or
// --version nothing is missing.
enum cli_exit cli_arguments_parse(int argument_count, char *const arguments[],
                                  struct cli_options *options, struct cli_reason *why) GW_MUST_USE;
// Whether --json stands among the arguments, which may be wrong otherwise: so is what is said about
// them.
bool cli_arguments_ask_for_json(int argument_count, char *const arguments[]);
