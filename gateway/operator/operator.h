// SPDX-License-Identifier: MIT
#pragma once
// The commands of skillreg-gateway besides serving: `migrate`, `org create`, `token create`, `token
// import`. They go straight to the database: the way to a schema, an organisation and a first admin
// token. Nothing here touches a running gateway, but the changes count there at once.
//
// Exit codes are those of the command line: 0 done, 1 refused or failed, 2 wrong usage, 3 database
// not reachable.

// argv[0] is "migrate", "org" or "token". Prints to stdout and stderr; returns the exit code.
int gw_operator_run(int argc, char **argv);
