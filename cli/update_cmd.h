// SPDX-License-Identifier: MIT
#pragma once
// `skillreg token update`: other words about a token, or less that it may do, and never more: the
// gateway refuses that. Prints the token as it is then.

#include "cli/options.h"
#include "cli/session.h"

enum cli_exit cli_update_cmd(struct cli_session *session, const struct cli_options *options,
                             struct cli_reason *why) GW_MUST_USE;
