// SPDX-License-Identifier: MIT
#pragma once
// The files with the URLs of the database, read again by a gateway that runs: so that a password
// can change, and the server that is asked, without a restart. A URL that was given itself stays.

#include <stdbool.h>

struct gw_config;

// Waits for the files. A file that cannot be read, or holds no URL that libpq takes, is an error of
// the log and changes nothing. `may_log`: false in the workers of a supervisor that says the same.
// True: a URL of `config` has changed.
bool gw_database_urls_reread(struct gw_config *config, bool may_log);
// The URL over which changes are heard.
const char *gw_database_urls_of_events(const struct gw_config *config);
