// SPDX-License-Identifier: MIT
#pragma once
// `skillreg token list`, with the output of the documentation, to the letter. The output is made
// whole before any of it is written.

#include "cli/listing.h"
#include "cli/options.h"
#include "cli/session.h"

enum cli_exit cli_list_cmd(struct cli_session *session, const struct cli_options *options,
                           struct cli_reason *why) GW_MUST_USE;
// How it prints tokens that were chosen among the live ones.
extern const struct cli_listing_kind cli_list_chosen_kind;
