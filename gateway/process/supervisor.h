// SPDX-License-Identifier: MIT
#pragma once
// `--workers N`: N processes, each a whole gateway with its own loop, cache and connections, on the
// same ports. The supervisor takes the ports (so that a port in use is said once), starts the
// workers, starts again those that crash (with growing pauses when they crash quickly), passes
// signals on and ends when all have ended. With one worker there is no supervisor: this process is
// it.

#include "gateway/settings/config.h"

// The exit code: 0 after an orderly stop, 1 when a worker could not start or did not end well.
int gw_supervisor_run(const struct gw_config *config);
