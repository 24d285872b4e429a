// SPDX-License-Identifier: MIT
#pragma once
// Whether a new token is what was asked for. A gateway that is older than a flag ignores what it
// does not know, and makes a token that may do more, or for longer.

#include "cli/options.h"
#include "cli/session.h"

// The flag that the gateway did not heed, "--expires", of the token that `answer` describes; NULL:
// it heeded all of them. Scopes, addresses and marks count of a creation, the end of a rotation
// too. An end may be later than asked by the minutes that two clocks may differ.
const char *cli_asked_find_unheeded(const struct cli_options *options, struct gw_json answer,
                                    struct gw_arena *arena);
// Revokes a token that is not what was asked for, at once, and says so: CLI_FAILED. `id` is of the
// session's last answer.
enum cli_exit cli_asked_take_back(struct cli_session *session, struct gw_str id,
                                  const char *unheeded, struct cli_reason *why);
