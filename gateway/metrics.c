// SPDX-License-Identifier: MIT
#include "gateway/metrics.h"

#include <inttypes.h>

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
