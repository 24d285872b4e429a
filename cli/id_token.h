// SPDX-License-Identifier: MIT
#pragma once
// The identity token of a CI job or a workload, a JWT that its platform signed, from the first of
//
//   --id-token-file
//   ACTIONS_ID_TOKEN_REQUEST_URL, ACTIONS_ID_TOKEN_REQUEST_TOKEN: GitHub's endpoint (a GET)
//   SKILLREG_ID_TOKEN: what GitLab's `id_tokens:` sets
//   the file of SKILLREG_ID_TOKEN_FILE, or CLI_ID_TOKEN_FILE: a projected volume of Kubernetes
//
// It is a secret: it leaves for the gateway alone, and stands in no message.

#include <stdbool.h>

#include "cli/options.h"
#include "cli/session.h"

#define CLI_ID_TOKEN_FILE "/var/run/secrets/skillreg/token"
#define CLI_ID_TOKEN_BYTES_MAX 8192 // as many as the gateway reads

struct cli_id_token {
    char text[CLI_ID_TOKEN_BYTES_MAX + 1]; // terminated; three parts of base64url
};

// Asks the gateway of `session` for the audience where the token is made for one. CLI_USAGE: there
// is none, and *why says where it was looked for; or what is there is none.
enum cli_exit cli_id_token_find(struct cli_session *session, const struct cli_options *options,
                                struct cli_id_token *token, struct cli_reason *why) GW_MUST_USE;
// Takes `text`, white space around it left out; `place` is its name in *why.
enum cli_exit cli_id_token_set(struct cli_id_token *token, struct gw_str text, const char *place,
                               struct cli_reason *why) GW_MUST_USE;
void cli_id_token_wipe(struct cli_id_token *token);
// Whether a variable of this name ("NAME=value" or "NAME") holds an identity token or the way to
// one, which is nobody else's.
bool cli_id_token_is_variable(const char *variable);
