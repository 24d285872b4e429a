// SPDX-License-Identifier: MIT
#pragma once
// Where the cache's answer to a question comes from: counted, and kept for the access log.

#include "gateway/exchange/report.h"

struct gw_metrics;

// The last call for a question says it: one that misses may still join a lookup, or go stale.
void gw_auth_note_source(enum gw_report_source *kept, struct gw_metrics *metrics,
                         enum gw_report_source source);
