// SPDX-License-Identifier: MIT
#pragma once
// `skillreg-gateway check`: reads the settings as a start does, looks at all that a start would
// use, and prints both. Nothing is changed, no port is listened on, the registry gets no request.
//
// Exit codes: 0: nothing would keep a gateway from serving; 1: a check failed; 2: wrong usage, or a
// setting that a start refuses.

// argv[0] is "check"; what follows are the flags of the server, and --json. Prints to stdout, the
// mistakes of usage and settings to stderr; returns the exit code.
int gw_check_run(int argc, char **argv);
