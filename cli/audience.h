// SPDX-License-Identifier: MIT
#pragma once
// For whom an identity token must be made so that the gateway takes it: GET /oidc/audience, which
// needs no token.
//
//   {"audience": "...", "issuers": [{"kind": "github", "issuer": "...", "audience": "..."}]}

#include "cli/session.h"

// The audience of the first issuer of this kind ("github"), else that of the gateway; terminated,
// in the memory of the session. CLI_NOT_FOUND: the gateway takes no identity tokens.
enum cli_exit cli_audience_ask(struct cli_session *session, const char *kind,
                               struct gw_str *audience, struct cli_reason *why) GW_MUST_USE;
