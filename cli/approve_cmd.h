// SPDX-License-Identifier: MIT
#pragma once
// `skillreg approve`: POST /auth/cli/lookup says who waits with the code, which is shown on stderr
// with a warning; after a question, POST /auth/cli/approve lets its login have a token of the
// caller's organisation. A code is approved once: the answer that gets lost is not asked for again.

#include "cli/options.h"
#include "cli/session.h"

enum cli_exit cli_approve_cmd(struct cli_session *session, const struct cli_options *options,
                              struct cli_reason *why) GW_MUST_USE;
