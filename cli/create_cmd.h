// SPDX-License-Identifier: MIT
#pragma once
// `skillreg token create`, with the output of the documentation, to the letter. The other commands
// of `token` have files of their own.
//
// Output is made whole before any of it is written. The secret of a new token passes through here
// once and is wiped afterwards.

#include "cli/options.h"
#include "cli/session.h"

enum cli_exit cli_create_cmd(struct cli_session *session, const struct cli_options *options,
                             struct cli_reason *why) GW_MUST_USE;
