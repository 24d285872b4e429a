// SPDX-License-Identifier: MIT
#include "token/slug.h"

#include <stddef.h>

#include "base/ascii.h"

bool gw_org_slug_valid(struct gw_str slug) {
    if (slug.length < GW_ORG_SLUG_LENGTH_MIN || slug.length > GW_ORG_SLUG_LENGTH_MAX)
        return false;
    for (size_t i = 0; i < slug.length; i++) {
        if (!gw_ascii_is_lower_alphanumeric(slug.at[i]) && slug.at[i] != '-')
            return false;
    }
    return slug.at[0] != '-' && slug.at[slug.length - 1] != '-';
}
