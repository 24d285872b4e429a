// SPDX-License-Identifier: MIT
#pragma once
// One attempt to reach a server: connects, asks a proxy for a tunnel where there is one, shakes
// hands where the server speaks TLS, and hangs up. Waits for all of it, within a time.

#include <stdint.h>
#include <sys/socket.h>

#include "base/status.h"
#include "base/str.h"
#include "tls/client_context.h"

#define GW_CHECK_PROBE_BYTES 256

struct gw_check_target {
    const struct sockaddr *address;
    socklen_t address_length;
    const struct tls_server *tls; // NULL: no TLS
    struct gw_str tunnel;         // what a proxy at `address` is asked; empty: there is none
    uint64_t timeout_ms;          // to connect with the tunnel, and again for the handshake
};

// GW_OK; GW_UNAVAILABLE: `problem` (GW_CHECK_PROBE_BYTES) says why, part of a sentence.
enum gw_status gw_check_probe(const struct gw_check_target *target, char *problem) GW_MUST_USE;
