// SPDX-License-Identifier: MIT
#include "gateway/api/query.h"

bool gw_query_next(struct gw_str *query, struct gw_str *name, struct gw_str *value) {
    struct gw_str part;
    if (!gw_str_next(query, '&', &part))
        return false;
    size_t equals = gw_str_find(part, '=');
    *name = gw_str_slice(part, 0, equals);
    *value = gw_str_slice(part, equals + 1, part.length);
    return true;
}

bool gw_query_number(struct gw_str value, uint32_t max, uint32_t *number) {
    uint64_t parsed;
    if (gw_str_to_u64(value, &parsed) != GW_OK || parsed < 1 || parsed > max)
        return false;
    *number = (uint32_t)parsed;
    return true;
}
