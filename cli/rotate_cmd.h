// SPDX-License-Identifier: MIT
#pragma once
// `skillreg token rotate`: a successor of a token, with the same name, scopes and addresses. The
// old one works on for the overlap.
//
// The request carries a key made for this run: should its answer be lost, it is sent again, and the
// gateway puts another successor in the place of the first, whose secret was lost.

#include "cli/options.h"
#include "cli/session.h"

// With --store the successor takes the place of the old token in ~/.skillreg/config.json, which
// must be the one that is rotated.
enum cli_exit cli_rotate_cmd(struct cli_session *session, const struct cli_options *options,
                             struct cli_reason *why) GW_MUST_USE;
