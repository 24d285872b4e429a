// SPDX-License-Identifier: MIT
#pragma once
// A login by a code (the device flow, in spirit of RFC 8628): POST /auth/cli/initiate gives a code,
// which is shown on stderr together with the page where somebody who may types it; meanwhile
// GET /auth/cli/poll is asked, each interval of the server, until it gives the token or the code
// has expired. An answer that fails for now is asked for again, less often.
//
// SIGINT, SIGTERM and SIGHUP end it between two polls. Once a token may be on its way they are held
// (cli/held_signals.h): the caller releases them when the token is stored, or is not to be.

#include "cli/held_signals.h"
#include "cli/settings.h"

// Without a terminal at stdin and stderr nobody reads a code: CLI_USAGE, before anything is asked.
enum cli_exit cli_device_login_check(struct cli_reason *why) GW_MUST_USE;
// Puts the token into settings->token, which cli_settings_deinit wipes. CLI_FAILED: nobody approved
// the code in time, or a signal came, which takes effect with its release. The signals are to be
// held before.
enum cli_exit cli_device_login(const struct cli_held_signals *signals,
                               struct cli_settings *settings, struct cli_reason *why) GW_MUST_USE;
