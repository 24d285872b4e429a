// SPDX-License-Identifier: MIT
#pragma once
// One gateway process: makes the parts of struct gw_services, listens (to clients once it can
// decide, or after a second: gateway/process/readiness.h), and runs the loop until SIGTERM or
// SIGINT. Then it leaves its clients (gateway/process/front.h), writes the last-used times, and
// closes every handle. A second signal skips the waiting. SIGHUP reads the files of TLS anew, and
// the settings (gateway/settings/config_reread.h).

#include "gateway/process/handed_over.h"
#include "gateway/process/notify.h"
#include "gateway/settings/config.h"
#include "gateway/settings/metrics.h"
#include "gateway/settings/org_metrics.h"

// The place of this process among the workers.
struct gw_worker {
    struct gw_metrics *all_metrics;     // `count` of them, in memory that the workers share
    struct gw_org_metrics *org_metrics; // NULL: none
    // TLS_TICKET_SECRET_BYTES, the same for all workers; for a gateway without --tls-ticket-secret.
    const unsigned char *ticket_secret;
    // Where the supervisor starts the next worker after the end of this one; NULL: no supervisor.
    const char *slot;
    const struct gw_handed_over *sockets;
    const struct gw_notify *notify; // silent where a supervisor does the telling
    int index;
    int count;
};

// The exit code: 0 after an orderly stop, 1 when it could not start (said in the log).
// `config` changes with its file.
int gw_server_run(struct gw_config *config, const struct gw_worker *worker);
