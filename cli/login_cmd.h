// SPDX-License-Identifier: MIT
#pragma once
// `skillreg login --token`: asks for a token, checks its shape, has the gateway verify it (whoami),
// and stores it in ~/.skillreg/config.json. The file is written as the last step, whole or not at
// all: a token that is refused, and any other failure, changes nothing.
// `skillreg login --oidc`: the same with a token that the gateway gives for an identity token
// (cli/exchange.h); one that cannot be stored is revoked.
// `skillreg login`: the same with a token that somebody approves by a code (cli/device_login.h).

#include "cli/options.h"
#include "cli/settings.h"

// Puts the token into *settings.
enum cli_exit cli_login_cmd(const struct cli_options *options, struct cli_settings *settings,
                            struct cli_reason *why) GW_MUST_USE;
