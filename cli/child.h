// SPDX-License-Identifier: MIT
#pragma once
// Runs another program to its end, on our standard streams and in our process group.
//
// Signals that would end us (HUP, INT, QUIT, TERM, USR1, USR2) end the child instead, which decides
// what becomes of them, so that the caller can clean up behind it: what somebody sent to us is sent
// on; what the terminal sent went to the whole group. They stay blocked when it has ended, for the
// caller's last steps.

#include "cli/outcome.h"

// `arguments` and `environment` end with NULL; the program is looked for in our own PATH. *status
// is what a shell would say: the exit status, or 128 and the number of the signal that ended it;
// 127 when there is no such program and 126 when it cannot be run, both CLI_FAILED.
enum cli_exit cli_child_run(char *const arguments[], char *const environment[], int *status,
                            struct cli_reason *why) GW_MUST_USE;
