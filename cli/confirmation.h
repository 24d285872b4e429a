// SPDX-License-Identifier: MIT
#pragma once
// The answer to ?wait=: whether every gateway of the installation has heard of what was done to
// tokens, and if not, how many have not and until when that matters.

#include "cli/session.h"

// The words for what was done.
struct cli_confirmation {
    const char *done;      // "the token is revoked"
    const char *may_do;    // of a gateway that cannot ask the database: "may let it in"
    const char *may_there; // of those that have not heard: "it may still be let in"
};

// CLI_DONE: all have, or it was not asked for. Else CLI_UNCONFIRMED, though it is done. `root` is
// the session's last answer.
enum cli_exit cli_confirmation_check(struct cli_session *session, struct gw_json root,
                                     const struct cli_confirmation *words,
                                     struct cli_reason *why) GW_MUST_USE;
