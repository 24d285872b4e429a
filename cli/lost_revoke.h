// SPDX-License-Identifier: MIT
#pragma once
// What became of a revoke whose answer was lost: the gateway is asked, as a DELETE is never sent
// twice.

#include "cli/session.h"

enum cli_lost_revoke {
    CLI_LOST_REVOKE_UNKNOWN, // the gateway does not tell: away, or older than the question
    CLI_LOST_REVOKE_NOT_DONE,
    CLI_LOST_REVOKE_DONE,
};

// Of the token at `path` ("/orgs/acme/tokens/clx"). When it is done, *name is the token's, in the
// session's last answer, which has the members of the lost one among others.
enum cli_lost_revoke cli_lost_revoke_find(struct cli_session *session, const char *path,
                                          struct gw_str *name);
// Of the token that asks: done when it is refused. Nothing else is known of it then.
enum cli_lost_revoke cli_lost_revoke_find_own(struct cli_session *session);
// Says in the reason of the lost call what is known, unless it is done.
void cli_lost_revoke_explain(enum cli_lost_revoke found, struct cli_reason *why);
