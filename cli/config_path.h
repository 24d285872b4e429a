// SPDX-License-Identifier: MIT
#pragma once
// Where the settings file is: SKILLREG_CONFIG; else skillreg/config.json below XDG_CONFIG_HOME, if
// it is there; else .skillreg/config.json below HOME (or the home of the account, where HOME is not
// set), which other SkillReg programs use. A new file is made below XDG_CONFIG_HOME, if that is set
// (XDG Base Directory Specification).

#include <limits.h>

#include "cli/outcome.h"

// CLI_USAGE: there is no home, or a path is too long.
enum cli_exit cli_config_path_find(char path[PATH_MAX], struct cli_reason *why) GW_MUST_USE;
// For messages: "~/.skillreg/config.json" for that file, else `path`.
const char *cli_config_path_shown(const char *path);
