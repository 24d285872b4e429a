// SPDX-License-Identifier: MIT
#pragma once
// `--workers N`: N processes, each a whole gateway with its own loop, cache and connections, on the
// same ports. The supervisor takes the ports (a port in use is logged once), starts the workers,
// starts a worker again that crashed (with growing pauses when it crashes quickly) or whose loop
// stood still for --worker-timeout, passes signals on and ends after the last worker. With one
// worker there is no supervisor: this process serves.

#include "gateway/settings/config.h"

// The exit code: 0 after an orderly stop, 1 when a worker could not start or did not end well.
int gw_supervisor_run(struct gw_config *config);
