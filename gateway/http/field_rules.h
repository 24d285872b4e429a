// SPDX-License-Identifier: MIT
#pragma once
// Which header fields cross the gateway and which stop here, as one table in the .c for requests
// and responses: hop-by-hop fields (RFC 9110 section 7.6.1), fields that the gateway sets itself,
// and fields that would change a request after it was decided on. Names are compared folded (lower
// case, `_` and `.` as `-`), because many servers fold them for their applications. Pure: no I/O,
// no allocation.

#include <stdbool.h>

#include "base/status.h"
#include "base/str.h"
#include "gateway/http/errors.h"
#include "gateway/http/head_block.h"

// The options that Connection lists; a field named there is hop-by-hop too.
#define GW_RELAY_OPTIONS_MAX 32
struct gw_field_options {
    struct gw_str names[GW_RELAY_OPTIONS_MAX];
    int count;
};
// GW_TOO_BIG: more than GW_RELAY_OPTIONS_MAX. "close" and "keep-alive" are left out.
enum gw_status gw_field_options_read(const struct gw_http_head *head,
                                     struct gw_field_options *options) GW_MUST_USE;

// NULL when nothing is wrong. Else a 400: Connection lists too many options, or names a field of
// identity, authorisation or framing, so that the registry would drop ours. For every route, before
// the decision.
const struct gw_refusal *gw_field_rules_check(const struct gw_http_head *request);

// The name that each gateway appends to Via (RFC 9110 section 7.6.3).
#define GW_VIA_NAME "skillreg-gateway"
// How many gateways the request has passed.
int gw_field_via_count(const struct gw_http_head *request);

bool gw_field_passes_to_registry(const struct gw_http_field *field,
                                 const struct gw_field_options *options,
                                 bool forward_authorization);
bool gw_field_passes_to_client(const struct gw_http_field *field,
                               const struct gw_field_options *options);
