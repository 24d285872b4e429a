// SPDX-License-Identifier: MIT
#pragma once
// One origin that a gateway would connect to, the registry or an issuer: whether each address
// behind its name can be reached, with its certificate where it speaks TLS. No request is sent. Of
// an origin behind a proxy the addresses are those of the proxy, which is asked for a tunnel.

#include <stdint.h>

#include "gateway/check/report.h"
#include "gateway/upstream/origins.h"

struct gw_check_origin {
    const struct gw_upstream_origin *origin;
    const char *subject;       // of the findings
    const char *todo;          // where no address is reached
    enum gw_check_level level; // then
    uint64_t timeout_ms;
};

void gw_check_origin(const struct gw_check_origin *check, struct gw_check_report *report);
