// SPDX-License-Identifier: MIT
#pragma once
// The anchor as text: under what rules are stored and looked up. The claims of the kind's table
// that make it, with their values: "repository=acme/tools",
// "namespace=ci service_account=publisher". Letters are lower case where the provider's names fold.

#include "base/arena.h"
#include "base/status.h"
#include "gateway/oidc/jwt.h"
#include "gateway/oidc/provider.h"

// Whether a value may be part of an anchor: 1 to 256 bytes, no blanks and no controls.
bool gw_oidc_anchor_takes(struct gw_str value);
// `values` has one for each claim of the table that makes the anchor, in the table's order.
// GW_NO_MEMORY.
enum gw_status gw_oidc_anchor_make(enum gw_oidc_kind kind, const struct gw_str *values,
                                   struct gw_arena *arena, struct gw_str *anchor) GW_MUST_USE;
// The anchor of a token. GW_INVALID: a claim of it is missing, or no part of an anchor.
// GW_NO_MEMORY.
enum gw_status gw_oidc_anchor(enum gw_oidc_kind kind, const struct gw_jwt *jwt,
                              struct gw_arena *arena, struct gw_str *anchor) GW_MUST_USE;
