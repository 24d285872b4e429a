// SPDX-License-Identifier: MIT
#pragma once
// `skillreg whoami`, and the same request for other commands: the identity of the token, its
// organisation.

#include "cli/options.h"
#include "cli/session.h"

// Texts of the session's last answer: valid until its next call.
struct cli_identity {
    struct gw_str user_name;
    struct gw_str user_email;
    struct gw_str org_slug;
    struct gw_str org_name;
    struct gw_json token; // valid if has_token: not every registry sends it
    bool has_token;
};

enum cli_exit cli_whoami_cmd(struct cli_session *session, const struct cli_options *options,
                             struct cli_reason *why) GW_MUST_USE;
// GET /auth/whoami. The session remembers the organisation, the id of the token, and who may
// replace it.
enum cli_exit cli_whoami_cmd_ask(struct cli_session *session, struct cli_identity *identity,
                                 struct cli_reason *why) GW_MUST_USE;
// Before a session is closed: where the end of its token is near, who may replace it is asked, so
// that the warning can say so. No answer within seconds is no failure.
void cli_whoami_cmd_ask_replacer(struct cli_session *session);
