// SPDX-License-Identifier: MIT
#pragma once
// A program can be started with its standard streams closed (`2>&-`). Then the first files and
// sockets that it opens get the numbers 0 to 2, and bytes for standard output or the log go into
// them.

#include <stdbool.h>

// Opens /dev/null in place of each of the three that is closed, in the direction in which it is not
// used, so that using it is an error like any other. The first thing that main() does. False: that
// failed.
bool gw_standard_streams_keep(void);

// Whoever read standard output has gone (EPIPE, where SIGPIPE is ignored), as `| head` does: ends
// the process by that signal, as it ends other programs. So a shell is silent and sees 141, systemd
// takes it for a clean end, and no script takes a part for the whole. Returns where it is blocked.
void gw_standard_streams_end_unread(void);
