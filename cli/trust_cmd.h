// SPDX-License-Identifier: MIT
#pragma once
// `skillreg trust list`, `show` and `remove`: the rules of trust of an organisation.

#include "cli/options.h"
#include "cli/session.h"

enum cli_exit cli_trust_list_cmd(struct cli_session *session, const struct cli_options *options,
                                 struct cli_reason *why) GW_MUST_USE;
enum cli_exit cli_trust_show_cmd(struct cli_session *session, const struct cli_options *options,
                                 struct cli_reason *why) GW_MUST_USE;
enum cli_exit cli_trust_remove_cmd(struct cli_session *session, const struct cli_options *options,
                                   struct cli_reason *why) GW_MUST_USE;
