// SPDX-License-Identifier: MIT
#pragma once
// The proxy through which keys of issuers are fetched, as the environment names it: https_proxy or
// HTTPS_PROXY, and no_proxy or NO_PROXY for hosts that are asked directly. Of two that are set the
// one in small letters counts, and an empty one counts as none: as curl has it. The registry and
// the database are never reached through it.
//
// Only hosts that the operator named are ever asked, with a proxy or without: which address such a
// name has is then for the proxy to find out.

#include <stdbool.h>

#include "base/status.h"
#include "base/str.h"
#include "gateway/upstream/origins.h"
#include "gateway/upstream/proxy.h"

struct gw_issuer_proxy {
    struct gw_upstream_proxy proxy;
    struct gw_str no_proxy; // of the environment
    bool is_set;
};

// GW_INVALID: problem->text names the variable and says why, with nothing of its value.
enum gw_status gw_issuer_proxy_read(struct gw_issuer_proxy *proxy,
                                    struct gw_upstream_problem *problem) GW_MUST_USE;
// `proxy` is borrowed by whoever takes the options.
void gw_issuer_proxy_use(const struct gw_issuer_proxy *proxy, struct gw_upstream_options *options);
