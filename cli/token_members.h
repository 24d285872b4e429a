// SPDX-License-Identifier: MIT
#pragma once
// What a token shall be, as members of the request that makes or changes it: the name, the scopes,
// the description, the end, the addresses. What was not asked for has no member.

#include "base/json.h"
#include "cli/options.h"

// The scopes and the addresses alone, which rules of trust have too.
void cli_token_members_write_limits(const struct cli_options *options,
                                    struct gw_json_writer *writer);
void cli_token_members_write(const struct cli_options *options, struct gw_json_writer *writer);
