// SPDX-License-Identifier: MIT
#include "gateway/auth/source.h"

#include "gateway/settings/metrics.h"

void gw_auth_note_source(enum gw_report_source *kept, struct gw_metrics *metrics,
                         enum gw_report_source source) {
    int64_t *const counters[] = {[GW_REPORT_HIT] = &metrics->cache_hits_total,
                                 [GW_REPORT_MISS] = &metrics->cache_misses_total,
                                 [GW_REPORT_JOINED] = &metrics->lookups_joined_total,
                                 [GW_REPORT_STALE] = &metrics->cache_stale_total};
    gw_assert(source > GW_REPORT_NO_SOURCE && source <= GW_REPORT_STALE);
    *kept = source;
    (*counters[source])++;
}
