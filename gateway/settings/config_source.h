// SPDX-License-Identifier: MIT
#pragma once
// A configuration file, read and held to the table of settings: each key is one of a setting, and
// stands there once unless the setting may be repeated. Values are read by others.

#include <stdbool.h>

#include "gateway/settings/config_file.h"
#include "gateway/settings/setting.h"

#define GW_CONFIG_PROBLEM_BYTES 512

// Waits for the file. GW_INVALID: `problem` (GW_CONFIG_PROBLEM_BYTES) says which file, which line
// and what, and no value.
enum gw_status gw_config_source_read(const char *path, struct gw_config_source *source,
                                     char *problem) GW_MUST_USE;
// The value of a setting that is given once; NULL: it is not in the file.
const char *gw_config_source_value(const struct gw_config_source *source, const char *key);
// Whether it holds a secret that everybody on the machine may read.
bool gw_config_source_shows_secret(const struct gw_config_source *source);
