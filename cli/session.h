// SPDX-License-Identifier: MIT
#pragma once
// What every command does with the gateway: send a request, have the answer judged, get its JSON.
//
// Embeds the client and two arenas: `memory` lives as long as the session, the one behind `answer` until the next
// call. Strings of an answer point into it.

#include "base/json.h"
#include "cli/api_client.h"
#include "cli/output.h"
#include "cli/settings.h"

struct cli_session {
    const struct cli_settings *settings; // the caller's, longer-lived
    struct cli_api_client client;
    struct gw_arena memory;
    struct gw_arena answer;
    struct gw_str answer_text; // the last answer as it came, without white space around it
};

// On failure there is nothing to close.
enum cli_exit cli_session_open(struct cli_session *session, const struct cli_settings *settings,
                               struct cli_reason *why) GW_MUST_USE;
void cli_session_close(struct cli_session *session);
// CLI_DONE: a 2xx with a JSON object, at *root. `not_found_hint` as in cli/api_error.h.
enum cli_exit cli_session_call(struct cli_session *session, const struct cli_api_request *request,
                               const char *not_found_hint, struct gw_json *root,
                               struct cli_reason *why) GW_MUST_USE;
// The last answer as it came and a line end: what --json prints.
void cli_session_put_answer(const struct cli_session *session, struct cli_output *output);
// For an answer that lacks what it must hold.
enum cli_exit cli_session_fail_strange(const struct cli_session *session, struct cli_reason *why);
