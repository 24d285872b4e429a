// SPDX-License-Identifier: MIT
#pragma once
// What an identity token says of itself, decoded and not verified: for a person whose job was
// refused, to compare with what the gateway takes. Issuer, audience and subject are no secrets; the
// rest is left out.

#include "cli/id_token.h"

// A note on stderr. Nothing where it cannot be read.
void cli_id_token_claims_note(const struct cli_id_token *token);
