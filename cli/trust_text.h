// SPDX-License-Identifier: MIT
#pragma once
// Rules of trust, as a table and one by one.

#include "cli/listing.h"

extern const struct cli_listing_kind cli_trust_listing_kind;

// What is known of a rule, a line each.
void cli_trust_render(struct cli_session *session, struct gw_json rule, struct cli_output *out);
