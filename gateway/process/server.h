// SPDX-License-Identifier: MIT
#pragma once
// One gateway process: makes the parts of struct gw_services, listens, and runs the loop until
// SIGTERM or SIGINT. Then it stops accepting, finishes what is in flight within the drain timeout,
// writes the last-used times, closes every handle. A second signal skips the waiting. SIGHUP reads
// the certificate and its key anew.

#include "gateway/settings/config.h"
#include "gateway/settings/metrics.h"

// The place of this process among the workers.
struct gw_worker {
    struct gw_metrics *all_metrics;     // `count` of them, in memory that the workers share
    const unsigned char *ticket_secret; // TLS_TICKET_SECRET_BYTES, the same for all workers
    // Where the supervisor starts the next worker after the end of this one; NULL: no supervisor.
    const char *slot;
    int index;
    int count;
};

// The exit code: 0 after an orderly stop, 1 when it could not start (said in the log).
int gw_server_run(const struct gw_config *config, const struct gw_worker *worker);
