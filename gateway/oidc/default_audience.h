// SPDX-License-Identifier: MIT
#pragma once
// The audiences that providers put into tokens when nobody asks for another.

#include <stdbool.h>

#include "gateway/oidc/provider.h"

// Whether `audience` is such a one: tokens that were made for others would be ours.
bool gw_oidc_audience_is_default(enum gw_oidc_kind kind, struct gw_str issuer,
                                 struct gw_str audience);
