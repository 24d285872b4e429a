// SPDX-License-Identifier: MIT
#include "cli/setting_place.h"

#include <stdio.h>

#include "base/str.h"
#include "cli/config_path.h"

const struct cli_setting_names cli_setting_url = {"--url", "SKILLREG_URL", "apiUrl"};
const struct cli_setting_names cli_setting_org = {"--org", "SKILLREG_ORG", "org"};

const char *cli_setting_place_name(const struct cli_setting_names *names,
                                   enum cli_setting_place place, const char *file,
                                   char text[CLI_SETTING_PLACE_BYTES_MAX]) {
    gw_assert(place != CLI_SETTING_NOWHERE);
    if (place == CLI_SETTING_IN_FLAG)
        return names->flag;
    if (place == CLI_SETTING_IN_ENVIRONMENT)
        return names->variable;
    (void)snprintf(text, CLI_SETTING_PLACE_BYTES_MAX, "\"%s\" in %s", names->key,
                   cli_config_path_shown(file));
    return text;
}
