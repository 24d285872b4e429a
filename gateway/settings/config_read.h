// SPDX-License-Identifier: MIT
#pragma once
// Reads the settings of the server: a flag wins over its variable, a variable over the file of
// --config, and the file over the default.

#include "gateway/settings/config.h"

enum gw_config_outcome { GW_CONFIG_RUN, GW_CONFIG_EXIT_OK, GW_CONFIG_EXIT_USAGE };

// Reads argv[1..], the environment, the configuration file, and the files of the database URL. For
// --help and --version prints to stdout and says EXIT_OK; for a mistake prints one line to stderr
// and says EXIT_USAGE.
enum gw_config_outcome gw_config_read(int argc, char **argv, struct gw_config *config) GW_MUST_USE;
// The same with the flags of `known`, for a process that runs with it. Its files of the database
// URL are not read, which others do (gateway/process/database_urls.h): the URL is as in `known`,
// from which it is borrowed.
enum gw_config_outcome gw_config_read_again(const struct gw_config *known,
                                            struct gw_config *config) GW_MUST_USE;
