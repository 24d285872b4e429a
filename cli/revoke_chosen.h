// SPDX-License-Identifier: MIT
#pragma once
// `skillreg token revoke --older-than 90d --unused 30d`: finds the live tokens of which all of that
// is true, shows them, asks at a terminal (elsewhere --yes says it), and revokes them as
// cli/revoke_many.h does. --dry-run shows them and ends. The token of the call is never among them.

#include "cli/options.h"
#include "cli/session.h"

enum cli_exit cli_revoke_chosen(struct cli_session *session, const struct cli_options *options,
                                struct cli_reason *why) GW_MUST_USE;
