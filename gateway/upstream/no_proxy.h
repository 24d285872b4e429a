// SPDX-License-Identifier: MIT
#pragma once
// The list of NO_PROXY: hosts that are asked directly. No standard has it; this reads what curl and
// Go agree on. Pure.

#include <stdbool.h>

#include "base/str.h"
#include "gateway/upstream/url.h"

// Whether the host is in the list, which has commas or blanks between its entries: a name and all
// below it ("example.com" and ".example.com" are one), an address, a range of addresses
// (10.0.0.0/8), each with a port or for every port, or * for every host. Case does not matter. A
// name is never looked up here. What is none of these is in no way there.
bool gw_no_proxy_has(struct gw_str list, const struct gw_upstream_url *url);
