// SPDX-License-Identifier: MIT
#pragma once
// `skillreg token revoke`, with the output of the documentation, to the letter; --self revokes the
// caller's token. Output is made whole before any of it is written.

#include "cli/options.h"
#include "cli/session.h"

enum cli_exit cli_revoke_cmd(struct cli_session *session, const struct cli_options *options,
                             struct cli_reason *why) GW_MUST_USE;
