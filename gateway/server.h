// SPDX-License-Identifier: MIT
#pragma once
// One gateway process: makes the parts of struct gw_services, listens, and runs the loop until SIGTERM or SIGINT. Then it stops
// accepting, finishes what is in flight within the drain timeout, writes the last-used times, closes every handle.
// A second signal skips the waiting.

#include "gateway/config.h"

// The exit code: 0 after an orderly stop, 1 when it could not start (said in the log).
int gw_server_run(const struct gw_config *config);
