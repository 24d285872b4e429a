// SPDX-License-Identifier: MIT
#pragma once
// The identity token of a GitHub job: asked of the endpoint that the runner names, for the
// audience that the gateway names, with the runner's own secret in the Authorization header
// (docs.github.com, "OpenID Connect reference": GET <url>&audience=<audience>, {"value": jwt}).
//
// The endpoint is verified by the authorities of the system, whatever --ca-file says of the
// gateway.

#include <stdbool.h>

#include "cli/session.h"

#define CLI_GITHUB_ID_TOKEN_URL "ACTIONS_ID_TOKEN_REQUEST_URL"
#define CLI_GITHUB_ID_TOKEN_SECRET "ACTIONS_ID_TOKEN_REQUEST_TOKEN"

// What errors call it.
#define CLI_GITHUB_ID_TOKEN_ENDPOINT "GitHub's endpoint for identity tokens"

// Both variables are set. Appends the token, as it came, to `out`, which the caller wipes; nothing
// where the answer has none. CLI_USAGE: the address is none, or http:// to another machine without
// `insecure_http`. CLI_UNREACHABLE, CLI_UNAVAILABLE, CLI_FAILED: the endpoint did not answer, or
// refused.
enum cli_exit cli_github_id_token_ask(struct cli_session *session, bool insecure_http,
                                      struct gw_buf *out, struct cli_reason *why) GW_MUST_USE;
