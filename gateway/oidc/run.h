// SPDX-License-Identifier: MIT
#pragma once
// What a token says about the run that has it, for people: the name of the token that is minted for
// it, and what the audit keeps.

#include "base/arena.h"
#include "base/json.h"
#include "gateway/oidc/jwt.h"
#include "gateway/oidc/provider.h"

// A name by the rules of token/name.h: "acme/tools publish.yml 8812345678 1". What a name must not
// have is left out, and it is cut to its length. Never empty: the kind at the least. GW_NO_MEMORY.
enum gw_status gw_oidc_run_name(enum gw_oidc_kind kind, const struct gw_jwt *jwt,
                                struct gw_arena *arena, struct gw_str *name) GW_MUST_USE;
// An object with the claims of the table that the token has, each a text of at most 256 bytes.
// Controls are masked. GW_NO_MEMORY.
enum gw_status gw_oidc_run_write_json(enum gw_oidc_kind kind, const struct gw_jwt *jwt,
                                      struct gw_arena *arena,
                                      struct gw_json_writer *writer) GW_MUST_USE;
