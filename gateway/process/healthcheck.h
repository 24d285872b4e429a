// SPDX-License-Identifier: MIT
#pragma once
// `skillreg-gateway healthcheck [--listen-admin <address>]`: asks /healthz on the admin address
// (GATEWAY_LISTEN_ADMIN, or its default) and exits 0 or 1. For health checks of containers, which
// have no curl.

#include <stdbool.h>

// Whether a gateway answers at "host:port"; waits for three seconds at the most.
bool gw_healthcheck_is_answered(const char *address);
int gw_healthcheck_run(int argc, char **argv);
