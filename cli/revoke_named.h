// SPDX-License-Identifier: MIT
#pragma once
// Whether a token that was given by its name may be revoked: it is shown and asked about at a
// terminal; elsewhere --yes says it.

#include "cli/named_token.h"
#include "cli/options.h"

// CLI_USAGE: nobody could be asked about it.
enum cli_exit cli_revoke_named_check(const struct cli_options *options,
                                     struct cli_reason *why) GW_MUST_USE;
// CLI_DONE: it is meant. CLI_USAGE as above; CLI_FAILED: it is not meant.
enum cli_exit cli_revoke_named_ask(const struct cli_options *options,
                                   const struct cli_named_token *token,
                                   struct cli_reason *why) GW_MUST_USE;
