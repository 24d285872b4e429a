// SPDX-License-Identifier: MIT
#pragma once
// One POST .../tokens/revoke: up to GW_BULK_REVOKE_MAX tokens, revoked in one transaction.

#include "cli/session.h"

// What is known of a token that is to be revoked.
enum cli_revoke_state {
    CLI_REVOKE_WAITS,   // no request named it, or that one was refused: it is as it was
    CLI_REVOKE_UNKNOWN, // its request may have been served, and may not
    CLI_REVOKE_MISSING, // no live token of the organisation has this id
    CLI_REVOKE_DONE,
};

struct cli_revoke_target {
    struct gw_str id;
    enum cli_revoke_state state;
    // Once it is done, in the memory of the session: its name, and what the answer says of it.
    struct gw_str name;
    struct gw_str json;
};

struct cli_revoke_batch {
    struct cli_revoke_target *targets; // no id twice
    size_t count;                      // 1 to GW_BULK_REVOKE_MAX
    bool wait;                         // until every gateway has heard
    bool may_end_last;                 // the last live admin token of the organisation too
    bool with_rules;                   // the rules of trust that they made too
};

// Sends it, and writes into the targets what became of them. CLI_DONE: `root` is the answer, the
// session's last one.
enum cli_exit cli_revoke_batch_send(struct cli_session *session,
                                    const struct cli_revoke_batch *batch, struct gw_json *root,
                                    struct cli_reason *why) GW_MUST_USE;
