// SPDX-License-Identifier: MIT
#pragma once
// The bearer secret of a request's head (RFC 6750 section 2.1).

#include "base/str.h"
#include "gateway/http/head_block.h"

enum gw_bearer {
    GW_BEARER_FOUND,
    GW_BEARER_MISSING, // no Authorization, another scheme, or nothing behind it, which is as good
                       // as no credentials (RFC 6750 section 3.1)
    GW_BEARER_TWICE    // more than one Authorization
};

// GW_BEARER_FOUND: *secret lies in the head, and may be anything.
enum gw_bearer gw_bearer_find(const struct gw_http_head *request, struct gw_str *secret);
