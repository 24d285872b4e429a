// SPDX-License-Identifier: MIT
#pragma once
// SIGHUP, in a process that serves: the settings that are live (gateway/settings/config_reread.h),
// the URLs of the database (database_urls.h), the credentials of registries and GitLab, and the key
// files of issuers are read again, and the rooms that keep something of them are told. What reads a
// setting each time that it needs it has the new value already.

#include <stdbool.h>

struct gw_config;
struct gw_services;

// Waits for the files. `config` is that of the services. `may_log`: false in the workers of a
// supervisor that says the same.
void gw_reread(struct gw_config *config, struct gw_services *services, bool may_log);
