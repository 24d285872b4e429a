// SPDX-License-Identifier: MIT
#pragma once
// `skillreg exec --oidc -- <command>`: a token for the identity token of this job, in the
// environment of one command and nowhere else, revoked when the command has ended, however it did.
// That it cannot be revoked is a warning: it ends by itself.

#include "cli/options.h"
#include "cli/settings.h"

// Puts the token into *settings. why->command_status is that of the command.
enum cli_exit cli_exec_cmd(const struct cli_options *options, struct cli_settings *settings,
                           struct cli_reason *why) GW_MUST_USE;
