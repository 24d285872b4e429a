// SPDX-License-Identifier: MIT
#pragma once
// Max-Forwards of OPTIONS (RFC 9110 section 7.6.2): how many more proxies the request may pass. At
// 0 the gateway answers in place of the registry. The other method that it is for, TRACE, never
// passes the gateway; on all others it means nothing.

#include <stdint.h>

#include "base/status.h"
#include "gateway/http/head_block.h"

// GW_OK with *count, a number that is too large as the largest; GW_NOT_FOUND: the request has no
// limit; GW_INVALID: not one plain number.
enum gw_status gw_max_forwards_read(const struct gw_http_head *request,
                                    uint64_t *count) GW_MUST_USE;
