// SPDX-License-Identifier: MIT
#pragma once
// As its loop begins to turn, so before it listens, and then once a second a worker counts that,
// brings up to date what it shows in the memory that all workers share, looks what it runs short
// of, and tells the service manager, if that listens, that it lives.

#include <uv.h>

#include "gateway/exchange/services.h"
#include "gateway/process/notify.h"
#include "gateway/process/shortages.h"
#include "gateway/process/vitals.h"

#define GW_HEARTBEAT_MS 1000

struct gw_heartbeat {
    uv_timer_t timer;             // does not keep the loop alive
    struct gw_services *services; // receives descriptors_max
    const struct gw_notify *notify;
    struct gw_shortages shortages;
    struct gw_vitals vitals;
};

void gw_heartbeat_open(struct gw_heartbeat *heartbeat, struct gw_services *services,
                       const struct gw_notify *notify);
// No beat after this: before anything of the services is closed.
void gw_heartbeat_close(struct gw_heartbeat *heartbeat);
