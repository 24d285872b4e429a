// SPDX-License-Identifier: MIT
#pragma once
// The proxies that are believed about the address of a client: the ranges of --trusted-proxies,
// empty by default.

#include <stdbool.h>

#include "base/ip.h"
#include "base/status.h"
#include "base/str.h"

#define GW_TRUSTED_PROXIES_MAX 64

struct gw_trusted_proxies {
    struct gw_ip_range ranges[GW_TRUSTED_PROXIES_MAX];
    int count;
};

// "10.0.0.0/8, 2001:db8::1": ranges by comma, white space around one is fine; the list may be
// empty. GW_INVALID when one is not a range, GW_TOO_BIG for more than GW_TRUSTED_PROXIES_MAX.
enum gw_status gw_trusted_proxies_parse(struct gw_str list,
                                        struct gw_trusted_proxies *proxies) GW_MUST_USE;
bool gw_trusted_proxies_contain(const struct gw_trusted_proxies *proxies, const struct gw_ip *ip);
