// SPDX-License-Identifier: MIT
#include "gateway/settings/trusted_proxies.h"

enum gw_status gw_trusted_proxies_parse(struct gw_str list, struct gw_trusted_proxies *proxies) {
    struct gw_trusted_proxies parsed = {.count = 0};
    struct gw_str rest = list.length > 0 ? list : gw_str(NULL, 0);
    struct gw_str range;
    while (gw_str_next(&rest, ',', &range)) {
        if (parsed.count == GW_TRUSTED_PROXIES_MAX)
            return GW_TOO_BIG;
        if (gw_ip_range_parse(gw_str_trim(range), &parsed.ranges[parsed.count++]) != GW_OK)
            return GW_INVALID;
    }
    *proxies = parsed;
    return GW_OK;
}

bool gw_trusted_proxies_contain(const struct gw_trusted_proxies *proxies, const struct gw_ip *ip) {
    gw_assert(proxies->count >= 0 && proxies->count <= GW_TRUSTED_PROXIES_MAX);
    for (int i = 0; i < proxies->count; i++) {
        if (gw_ip_range_contains(&proxies->ranges[i], ip))
            return true;
    }
    return false;
}
