// SPDX-License-Identifier: MIT
#pragma once
// The flags that choose and sort tokens, as parameters of the list.

#include "cli/options.h"
#include "cli/session.h"

// CLI_USAGE: one is too long, or holds what must not be in a URL.
enum cli_exit cli_token_filter_check(const struct cli_options *options,
                                     struct cli_reason *why) GW_MUST_USE;
// Of a gateway that ignores them: names those that were given.
enum cli_exit cli_token_filter_fail_older(const struct cli_options *options,
                                          struct cli_reason *why);
// "&all=true&unused=90d", encoded, of texts that cli_token_filter_check let through, in the memory
// of the session; empty without any; .at NULL without memory.
struct gw_str cli_token_filter_make(struct cli_session *session, const struct cli_options *options);
