// SPDX-License-Identifier: MIT
#pragma once
// A token whose secret the gateway shows this once, as `token create` and `token rotate` print it.

#include "cli/output.h"
#include "cli/session.h"

// Texts of the session's last answer.
struct cli_new_token {
    struct gw_str id;
    struct gw_str name;
    struct gw_str scopes;
    struct gw_str secret;
    struct gw_str expires;   // .at NULL: never
    struct gw_str addresses; // empty: it works from everywhere
};

// False when the answer lacks a member that it must hold.
bool cli_new_token_read(struct cli_session *session, struct gw_json root,
                        struct cli_new_token *token);
// The documented text behind the headline; expiry and addresses only where there are some.
void cli_new_token_render(const struct cli_new_token *token, struct cli_output *out);
