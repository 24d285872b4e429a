// SPDX-License-Identifier: MIT
#pragma once
// Revokes many tokens by their ids, a thousand in a request (cli/revoke_batch.h), with one wait
// behind the last one. A documented line each on standard output, in the order given and as soon as
// it is done; an id that is not found is told on stderr, and ends with CLI_NOT_FOUND after the
// others are revoked. A request that fails ends it: what is done stays done, and is told.
//
// The token of the call, if it is among them and there are several requests, goes with the last
// one, as it could ask for no other afterwards.

#include "cli/options.h"
#include "cli/session.h"

// CLI_USAGE: an id stands there twice; nothing was done.
enum cli_exit cli_revoke_many(struct cli_session *session, const struct cli_options *options,
                              const struct gw_str *ids, size_t count,
                              struct cli_reason *why) GW_MUST_USE;
