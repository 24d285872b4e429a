// SPDX-License-Identifier: MIT
#pragma once
// `skillreg __complete -- <word>...`, which the scripts of `skillreg completion` call at each tab:
// the candidates of cli/complete.h, and, where ids or names of tokens are wanted, those of the
// newest tokens of the organisation.
//
// A tab must not hang, ask or print an error into the line that is being typed: whatever fails, and
// whatever takes longer than CLI_COMPLETE_TIMEOUT_S, ends with no candidates and code 0. Of a token
// only id and name are printed.

#include <stdbool.h>

#define CLI_COMPLETE_TIMEOUT_S 2

// Whether these are the arguments of a program that is called so.
bool cli_complete_cmd_is_meant(int argument_count, char *const arguments[]);
// Returns the exit code.
int cli_complete_cmd(int argument_count, char *const arguments[]);
