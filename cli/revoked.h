// SPDX-License-Identifier: MIT
#pragma once
// What is said of tokens that have been revoked: the line of the documentation, to the letter, and
// notes on what else the gateway's answer tells.

#include "cli/confirmation.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/session.h"

// A line of standard output.
void cli_revoked_put_line(struct cli_output *out, struct gw_str name);
// Notes on the other tokens of the chain of the revoked one: a successor works on when the old
// token alone is revoked. `root` is the session's last answer.
enum cli_exit cli_revoked_note_kin(struct cli_session *session, const struct cli_options *options,
                                   struct gw_json root, struct cli_reason *why) GW_MUST_USE;
// Notes on the rules of trust that the revoked tokens made: these give tokens until they are
// removed.
enum cli_exit cli_revoked_note_rules(struct cli_session *session, struct gw_json root,
                                     struct cli_reason *why) GW_MUST_USE;
// What cli_confirmation_check says of one revoked token, and of several.
extern const struct cli_confirmation cli_revoked_confirmation;
extern const struct cli_confirmation cli_revoked_many_confirmation;
// Whether it was refused because no live admin token would be left.
bool cli_revoked_is_last_admin(enum cli_exit exit, const struct cli_reason *why);
// Once the token of this call is revoked: the file that holds it is of no use any more.
void cli_revoked_note_own_gone(struct cli_session *session);
