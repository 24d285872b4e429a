// SPDX-License-Identifier: MIT
#include "gateway/settings/metrics.h"

#include <inttypes.h>
#include <string.h>

void gw_metrics_reset_gauges(struct gw_metrics *metrics) {
#define X(name, type, help)                                                                        \
    if (strcmp(type, "gauge") == 0)                                                                \
        metrics->name = 0;
    GW_METRICS_MAP(X)
#undef X
}

static int64_t earliest_end(const struct gw_metrics *all, int count) {
    int64_t earliest = 0;
    for (int i = 0; i < count; i++) {
        int64_t end = all[i].cert_not_after_seconds;
        if (end != 0 && (earliest == 0 || end < earliest))
            earliest = end;
    }
    return earliest;
}

void gw_metrics_sum(const struct gw_metrics *all, int count, struct gw_metrics *sum) {
    gw_assert(count >= 0);
    memset(sum, 0, sizeof(*sum));
    for (int i = 0; i < count; i++) {
#define X(name, type, help) sum->name += all[i].name;
        GW_METRICS_MAP(X)
#undef X
    }
    sum->cert_not_after_seconds = earliest_end(all, count);
}

enum gw_status gw_metrics_write(const struct gw_metrics *metrics, struct gw_buf *out) {
    enum gw_status status = GW_OK;
#define X(name, type, help)                                                                        \
    if (status == GW_OK)                                                                           \
        status = gw_buf_printf(out,                                                                \
                               "# HELP skillreg_gateway_" #name " " help "\n"                      \
                               "# TYPE skillreg_gateway_" #name " " type "\n"                      \
                               "skillreg_gateway_" #name " %" PRId64 "\n",                         \
                               metrics->name);
    GW_METRICS_MAP(X)
#undef X
    return status;
}
