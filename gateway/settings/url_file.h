// SPDX-License-Identifier: MIT
#pragma once
// The database URL, given itself or by a file that holds it: never both, for nobody could tell
// which one counts.

#include <stdbool.h>

#include "base/status.h"
#include "gateway/settings/secret_line.h"

struct gw_url_file {
    const char *url_names;  // "--database-url (DATABASE_URL)"
    const char *file_names; // the same of the file
    const char *path;       // NULL: no file is given
};

// Where a file is given, *url becomes its first line, which `line` keeps. False after a line on
// stderr: both are given, or the file cannot be used.
bool gw_url_file_take(const struct gw_url_file *file, struct gw_secret_line *line,
                      const char **url) GW_MUST_USE;
