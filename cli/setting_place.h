// SPDX-License-Identifier: MIT
#pragma once
// Where a setting was found, as a message names it: a person who reads that an address is wrong has
// to know which one is meant.

#include <limits.h>

#define CLI_SETTING_PLACE_BYTES_MAX (PATH_MAX + 32)

enum cli_setting_place {
    CLI_SETTING_NOWHERE,
    CLI_SETTING_IN_FLAG,
    CLI_SETTING_IN_ENVIRONMENT,
    CLI_SETTING_IN_FILE,
};

// What it is called in each of them.
struct cli_setting_names {
    const char *flag;
    const char *variable;
    const char *key;
};

extern const struct cli_setting_names cli_setting_url;
extern const struct cli_setting_names cli_setting_org;

// "--url", "SKILLREG_URL", or "\"apiUrl\" in <file>", in `text` or static. Not for
// CLI_SETTING_NOWHERE.
const char *cli_setting_place_name(const struct cli_setting_names *names,
                                   enum cli_setting_place place, const char *file,
                                   char text[CLI_SETTING_PLACE_BYTES_MAX]);
