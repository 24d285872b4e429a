// SPDX-License-Identifier: MIT
#pragma once
// The line of the log about TLS that failed: who gave up, why, with which alert. A scan, or a
// client that tries for ever, must not fill the log: one line in GW_TRANSPORT_LOG_MS for all
// transports of the loop, with the number of those that were left out before it.

#include "gateway/net/transport_state.h"

#define GW_TRANSPORT_LOG_MS 1000

// Inside on_error, or when the owner gives up. `side`: "client", "registry". `address` NULL: that
// of the socket. `otherwise` is the reason where TLS knows none. Nothing without TLS, or a
// connection, or before a proxy has opened the tunnel.
void gw_transport_log_failure(struct gw_transport *transport, const char *side, const char *address,
                              const char *otherwise);
