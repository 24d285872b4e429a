// SPDX-License-Identifier: MIT
#include "gateway/metrics.h"

#include <inttypes.h>
#include <string.h>

void gw_metrics_reset_gauges(struct gw_metrics *metrics) {
#define X(name, type, help)                                                                        \
    if (strcmp(type, "gauge") == 0)                                                                \
        metrics->name = 0;
    GW_METRICS_MAP(X)
#undef X
}

void gw_metrics_sum(const struct gw_metrics *all, int count, struct gw_metrics *sum) {
    memset(sum, 0, sizeof *sum);
    for (int i = 0; i < count; i++) {
#define X(name, type, help) sum->name += all[i].name;
        GW_METRICS_MAP(X)
#undef X
    }
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
