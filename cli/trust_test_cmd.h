// SPDX-License-Identifier: MIT
#pragma once
// `skillreg trust test`: reads an identity token from standard input and tells what the gateway
// thinks of it: what is wrong with it, what it says, and of each rule that is about it whether it
// is met, else which claim differs. CLI_FAILED: no rule would give it a token. Nothing is
// exchanged.

#include "cli/options.h"
#include "cli/session.h"

enum cli_exit cli_trust_test_cmd(struct cli_session *session, const struct cli_options *options,
                                 struct cli_reason *why) GW_MUST_USE;
