// SPDX-License-Identifier: MIT
#include "token/slug.h"

#include <stddef.h>

#include "base/ascii.h"

bool gw_org_slug_valid(struct gw_str slug) {
    if (slug.length < 2 || slug.length > 48)
        return false;
    for (size_t i = 0; i < slug.length; i++) {
        if (!gw_ascii_is_lower_alphanumeric(slug.at[i]) && slug.at[i] != '-')
            return false;
    }
    return slug.at[0] != '-' && slug.at[slug.length - 1] != '-';
}
