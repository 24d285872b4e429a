// SPDX-License-Identifier: MIT
#pragma once
// The live token of the organisation that has a name, to the letter. The list is asked for names
// that hold it, in any case, and a gateway that is older sends every token: each row is compared
// here.

#include "cli/session.h"

// Texts in the memory of the session.
struct cli_named_token {
    struct gw_str id;
    struct gw_str name;
    struct gw_str prefix;
    struct gw_str scopes;    // "read, write"
    struct gw_str last_used; // "3 days ago", "never"
};

// CLI_NOT_FOUND: none has it, or (with an answer's status in *why) there is no such organisation.
// CLI_USAGE: several have it; they are noted on stderr, the first ten of them.
enum cli_exit cli_named_token_find(struct cli_session *session, struct gw_str name,
                                   struct cli_named_token *token,
                                   struct cli_reason *why) GW_MUST_USE;
