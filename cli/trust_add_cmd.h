// SPDX-License-Identifier: MIT
#pragma once
// `skillreg trust add`: a rule of trust, from a kind of issuer, what names the project there, and
// further claims.

#include "cli/options.h"
#include "cli/session.h"

// What must be said of a rule. CLI_USAGE: something is missing or cannot be read.
enum cli_exit cli_trust_add_check(const struct cli_options *options,
                                  struct cli_reason *why) GW_MUST_USE;
enum cli_exit cli_trust_add_cmd(struct cli_session *session, const struct cli_options *options,
                                struct cli_reason *why) GW_MUST_USE;
