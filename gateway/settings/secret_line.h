// SPDX-License-Identifier: MIT
#pragma once
// A secret that stands in a file of its own, as its first line: so it is in no list of processes
// and in no environment. What follows the line does not count.

#include <stdbool.h>

#include "base/status.h"
#include "base/str.h"

#define GW_SECRET_LINE_BYTES_MAX 4096

struct gw_secret_line {
    char text[GW_SECRET_LINE_BYTES_MAX + 1]; // terminated, without the end of the line
    bool is_public;                          // everybody on the machine may read the file
};

// Waits for the file. GW_INVALID: *problem says why, and nothing of what the file holds.
enum gw_status gw_secret_line_read(const char *path, struct gw_secret_line *line,
                                   const char **problem) GW_MUST_USE;
// The same of what was read from the file. GW_INVALID.
enum gw_status gw_secret_line_take(struct gw_str bytes, struct gw_secret_line *line,
                                   const char **problem) GW_MUST_USE;
// Logs that of a file with a key or a secret.
void gw_secret_warn_of_public(const char *path);
