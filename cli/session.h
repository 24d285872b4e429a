// SPDX-License-Identifier: MIT
#pragma once
// One command's work with the gateway: send a request, have the answer judged, get its JSON.
//
// Embeds the client and two arenas: `memory` lives as long as the session, the one behind `answer`
// until the next call. Strings of an answer point into it.
//
// An answer may say that the caller's token ends soon (SkillReg-Token-Expires): the session
// remembers it, and warns once, on stderr, when it is closed.

#include "base/json.h"
#include "cli/api_client.h"
#include "cli/output.h"
#include "cli/settings.h"

// Who may replace the caller's own token.
enum cli_replacer {
    CLI_REPLACER_UNKNOWN, // whoami was not asked, or said nothing of the token
    CLI_REPLACER_SELF,    // the token itself, of any scope
    CLI_REPLACER_ADMIN,   // the token itself, as an admin
    CLI_REPLACER_OTHERS,  // an admin of the organisation
};

struct cli_session {
    const struct cli_settings *settings; // the caller's, longer-lived
    struct cli_api_client client;
    struct gw_arena memory;
    struct gw_arena answer;
    struct gw_str answer_text; // the last answer as it came, without white space around it
    // Of the caller's own token, once whoami was asked: in `memory`, .at NULL before.
    struct gw_str own_org;
    struct gw_str own_token_id;
    enum cli_replacer own_replacer;
    int64_t date_ms;        // of the last answer, -1: it had none
    int64_t own_expires_ms; // GW_JSON_NO_TIME: not soon, as far as is known
};

// On failure there is nothing to close.
enum cli_exit cli_session_open(struct cli_session *session, const struct cli_settings *settings,
                               struct cli_reason *why) GW_MUST_USE;
void cli_session_close(struct cli_session *session);
// The caller's token has been replaced or revoked: no word about its end any more.
void cli_session_forget_expiry(struct cli_session *session);
// CLI_DONE: a 2xx with a JSON object, at *root. `hint` as in cli/api_error.h.
enum cli_exit cli_session_call(struct cli_session *session, const struct cli_api_request *request,
                               const char *hint, struct gw_json *root,
                               struct cli_reason *why) GW_MUST_USE;
// The gateway's clock, by its last answer: the one that wrote the times in it, while the clock of
// this machine may be wrong. This machine's, where no answer had a Date.
int64_t cli_session_now_ms(const struct cli_session *session);
// After a call that changes something has failed: it may have been served all the same. No answer
// came, or one of a server on the way or of a gateway that lost its database, which says nothing of
// what was done before.
bool cli_session_is_outcome_unknown(const struct cli_session *session, enum cli_exit exit,
                                    const struct cli_reason *why);
// The last answer as it came and a line end, for --json.
void cli_session_put_answer(const struct cli_session *session, struct cli_output *output);
// For an answer that lacks a member that it must hold.
enum cli_exit cli_session_fail_strange(const struct cli_session *session, struct cli_reason *why);
