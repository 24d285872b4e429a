// SPDX-License-Identifier: MIT
#pragma once
// `skillreg token show`: everything the gateway knows of one token, live or not. Never a secret.

#include "cli/options.h"
#include "cli/session.h"

// What else is shown in the same way: by its id, or as the gateway's own JSON with --json.
struct cli_shown {
    const char *collection; // of the organisation: "tokens"
    const char *hint;       // for an id that is not there
    void (*render)(struct cli_session *session, struct gw_json object, struct cli_output *out);
};
enum cli_exit cli_show_one(struct cli_session *session, const struct cli_options *options,
                           const struct cli_shown *shown, struct cli_reason *why) GW_MUST_USE;
enum cli_exit cli_show_cmd(struct cli_session *session, const struct cli_options *options,
                           struct cli_reason *why) GW_MUST_USE;
// "Label: value" lines of `token`, a token as the session's last answer has it; a line each of what
// it tells. What an answer does not hold, or holds as null, has no line, but "never" for the last
// use and the end.
void cli_show_render(struct cli_session *session, struct gw_json token, struct cli_output *out);
