// SPDX-License-Identifier: MIT
#pragma once
// Claims by the names that rules have for them (gateway/oidc/provider.h): some are parts of a claim
// of the token.

#include "base/arena.h"
#include "base/status.h"
#include "gateway/oidc/jwt.h"
#include "gateway/oidc/provider.h"

// GW_NOT_FOUND: the token has none, or it does not have the form that the table expects.
// GW_NO_MEMORY.
enum gw_status gw_oidc_claim_text(enum gw_oidc_kind kind, const struct gw_jwt *jwt,
                                  struct gw_arena *arena, struct gw_str name,
                                  struct gw_str *text) GW_MUST_USE;
