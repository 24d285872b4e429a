// SPDX-License-Identifier: MIT
#pragma once
// `skillreg logout`: takes the stored token of one gateway out of the settings file. With --revoke
// the gateway revokes it first, whatever SKILLREG_TOKEN says: it is the stored one that goes.

#include "cli/options.h"
#include "cli/settings.h"

// Nothing stored is no failure. When the gateway cannot be asked to revoke, the file stays as it
// was; a token that it refuses (401) is of no use to anyone and goes all the same.
enum cli_exit cli_logout_cmd(const struct cli_options *options, struct cli_settings *settings,
                             struct cli_reason *why) GW_MUST_USE;
