// SPDX-License-Identifier: MIT
#pragma once
// A token whose secret the gateway shows this once, as `token create` and `token rotate` print it.

#include "cli/options.h"
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
    struct gw_str bound_san; // .at NULL: it needs no certificate
};

// False when the answer lacks a member that it must hold.
bool cli_new_token_read(struct cli_session *session, struct gw_json root,
                        struct cli_new_token *token);
// Whether the flags ask for the text for a person.
bool cli_new_token_is_for_person(const struct cli_options *options);
// The other forms: the gateway's JSON, or what cli/token_output.h makes.
enum cli_exit cli_new_token_hand_over(const struct cli_session *session,
                                      const struct cli_options *options,
                                      const struct cli_new_token *token, struct cli_output *out,
                                      struct cli_reason *why) GW_MUST_USE;
// CLI_FAILED: it was made, but nobody has its secret. "<what> (<fault>), <advice> <id>".
enum cli_exit cli_new_token_fail_unshown(const struct cli_new_token *token,
                                         const struct cli_reason *fault, const char *what,
                                         const char *advice, struct cli_reason *why);
// The documented text behind the headline; expiry, addresses and binding only where there are some.
void cli_new_token_render(const struct cli_new_token *token, struct cli_output *out);
