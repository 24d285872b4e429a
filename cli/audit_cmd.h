// SPDX-License-Identifier: MIT
#pragma once
// `skillreg audit`: the tokens that were made, rotated, revoked and imported in the organisation,
// and by which actor, newest first.

#include "cli/options.h"
#include "cli/session.h"

// As many pages as --limit needs.
enum cli_exit cli_audit_cmd(struct cli_session *session, const struct cli_options *options,
                            struct cli_reason *why) GW_MUST_USE;
