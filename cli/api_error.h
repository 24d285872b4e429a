// SPDX-License-Identifier: MIT
#pragma once
// From an answer other than 2xx to the sentence for a person: what went wrong, the gateway's own
// message ({"error":{"code","message"}}), and advice.

#include "cli/api_client.h"
#include "cli/settings.h"

struct cli_api_context {
    const struct cli_settings *settings;
    const char *hint; // advice for a 404 or 409; NULL: check the address
};

// CLI_DONE for a 2xx; else the code for its status, with *why filled and the gateway's own code in
// it.
enum cli_exit cli_api_error_check(const struct cli_api_response *response,
                                  const struct cli_api_context *context,
                                  struct cli_reason *why) GW_MUST_USE;
