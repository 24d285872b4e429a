// SPDX-License-Identifier: MIT
#pragma once
// Whose word about the address of a client is taken: the ranges of --trusted-proxies. Empty by
// default: nobody's.

#include <stdbool.h>

#include "base/ip.h"
#include "base/status.h"
#include "base/str.h"

#define GW_TRUSTED_PROXIES_MAX 64

struct gw_trusted_proxies {
    struct gw_ip_range ranges[GW_TRUSTED_PROXIES_MAX];
    int count;
};

// "10.0.0.0/8, 2001:db8::1": ranges by comma, white space around one is fine; an empty list is
// none. GW_INVALID when one is no range, GW_TOO_BIG for more than GW_TRUSTED_PROXIES_MAX.
enum gw_status gw_trusted_proxies_parse(struct gw_str list,
                                        struct gw_trusted_proxies *proxies) GW_MUST_USE;
bool gw_trusted_proxies_contain(const struct gw_trusted_proxies *proxies, const struct gw_ip *ip);
