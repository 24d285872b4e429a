// SPDX-License-Identifier: MIT
#pragma once
// `skillreg token create`, `list` and `revoke`, with the output of the documentation, to the
// letter.
//
// Output is made whole before any of it is written. The secret of a new token passes through here
// once and is wiped afterwards. `rotate` has a file of its own, cli/rotate_cmd.h.

#include "cli/options.h"
#include "cli/session.h"

enum cli_exit cli_token_cmd_create(struct cli_session *session, const struct cli_options *options,
                                   struct cli_reason *why) GW_MUST_USE;
enum cli_exit cli_token_cmd_list(struct cli_session *session, const struct cli_options *options,
                                 struct cli_reason *why) GW_MUST_USE;
// With --self: the caller's token.
enum cli_exit cli_token_cmd_revoke(struct cli_session *session, const struct cli_options *options,
                                   struct cli_reason *why) GW_MUST_USE;
