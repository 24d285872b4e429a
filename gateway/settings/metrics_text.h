// SPDX-License-Identifier: MIT
#pragma once
// The counters of all workers as text for Prometheus, made at each scrape: the text exposition
// format 0.0.4, names and labels as https://prometheus.io/docs/practices/naming/ wants them.

#include "base/buf.h"
#include "base/status.h"
#include "gateway/settings/metrics.h"

// Appends the sum over `count` workers. GW_TOO_BIG, GW_NO_MEMORY: part of it is there.
enum gw_status gw_metrics_write(const struct gw_metrics *all, int count,
                                struct gw_buf *out) GW_MUST_USE;
