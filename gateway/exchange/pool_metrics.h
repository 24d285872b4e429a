// SPDX-License-Identifier: MIT
#pragma once
// What the pool of this process counts, in the metrics that all workers share: so any worker can
// show the sum over all of them, and a worker that takes the place of a dead one counts on from
// where that one was.

#include "gateway/exchange/services.h"

// Once a second, and before this worker shows the metrics.
void gw_pool_metrics_publish(struct gw_services *services);
