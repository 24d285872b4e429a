// SPDX-License-Identifier: MIT
#pragma once
// Listening sockets that the service manager hands over, by the protocol of systemd's socket
// activation: LISTEN_PID names this process, LISTEN_FDS says how many there are from descriptor 3
// on, LISTEN_FDNAMES names each: https, http, page or admin. They take the place of the addresses
// in the settings. The manager keeps them, so what stands in their queues when this process ends is
// the next one's.

#include "base/status.h"
#include "gateway/process/ports.h"
#include "gateway/settings/config.h"

struct gw_handed_over {
    int fds[GW_PORT_COUNT]; // -1: none
};

// Once, at the start: the variables are gone after it. Changes the addresses in `config`, which are
// not to be opened then. GW_INVALID after a line in the log.
enum gw_status gw_handed_over_take(struct gw_handed_over *sockets,
                                   struct gw_config *config) GW_MUST_USE;
