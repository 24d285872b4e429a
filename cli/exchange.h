// SPDX-License-Identifier: MIT
#pragma once
// A token of the organisation for the identity token of this job or workload: found
// (cli/id_token.h), sent to POST /orgs/{org}/oidc/token with an Idempotency-Key, so that an answer
// that got lost is asked for again. Nothing of it is stored here.

#include "cli/options.h"
#include "cli/settings.h"

// Puts the token into settings->token, which cli_settings_deinit wipes. The organisation must be
// set: an identity token says nothing of it.
enum cli_exit cli_exchange(const struct cli_options *options, struct cli_settings *settings,
                           struct cli_reason *why) GW_MUST_USE;
// Revokes the token of the settings, within seconds. One that the gateway refuses already is
// revoked or has ended: CLI_DONE.
enum cli_exit cli_exchange_revoke(const struct cli_settings *settings,
                                  struct cli_reason *why) GW_MUST_USE;
