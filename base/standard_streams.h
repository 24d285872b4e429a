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
