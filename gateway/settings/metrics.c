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
#define X(member, name, type, help)                                                                \
    if (strcmp(type, "gauge") == 0)                                                                \
        metrics->member = 0;
    GW_METRICS_TIMES_MAP(X)
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

static int64_t longest_turn(const struct gw_metrics *all, int count) {
    int64_t longest_ms = 0;
    for (int i = 0; i < count; i++) {
        if (all[i].loop_turn_longest_ms > longest_ms)
            longest_ms = all[i].loop_turn_longest_ms;
    }
    return longest_ms;
}

// Without a worker the sum itself, which is all zero.
static const struct gw_metrics *longest_wait(const struct gw_metrics *all, int count,
                                             const struct gw_metrics *sum) {
    const struct gw_metrics *longest = count > 0 ? &all[0] : sum;
    for (int i = 1; i < count; i++) {
        if (all[i].changes_waiting_ms > longest->changes_waiting_ms)
            longest = &all[i];
    }
    return longest;
}

void gw_metrics_sum(const struct gw_metrics *all, int count, struct gw_metrics *sum) {
    gw_assert(count >= 0);
    memset(sum, 0, sizeof(*sum));
    for (int i = 0; i < count; i++) {
#define X(name, type, help) sum->name += all[i].name;
        GW_METRICS_MAP(X)
#undef X
#define X(member, name, type, help) sum->member += all[i].member;
        GW_METRICS_TIMES_MAP(X)
#undef X
#define X(member, name, labels, help) gw_histogram_add(&sum->member, &all[i].member);
        GW_METRICS_HISTOGRAMS_MAP(X)
#undef X
    }
    const struct gw_metrics *longest = longest_wait(all, count, sum);
    sum->cert_not_after_seconds = earliest_end(all, count);
    sum->loop_turn_longest_ms = longest_turn(all, count);
    sum->changes_waiting_ms = longest->changes_waiting_ms;
    sum->changes_blocker_pid = longest->changes_blocker_pid;
}

static enum gw_status write_histogram(const struct gw_histogram *histogram, const char *name,
                                      const char *labels, const char *help, struct gw_buf *out) {
    enum gw_status status = GW_OK;
    if (help[0] != '\0') // the first of its name
        status = gw_buf_printf(out, "# HELP %s %s\n# TYPE %s histogram\n", name, help, name);
    return status == GW_OK ? gw_histogram_write(histogram, name, labels, out) : status;
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
#define X(member, name, type, help)                                                                \
    if (status == GW_OK)                                                                           \
        status = gw_buf_printf(out,                                                                \
                               "# HELP skillreg_gateway_" name " " help "\n"                       \
                               "# TYPE skillreg_gateway_" name " " type "\n"                       \
                               "skillreg_gateway_" name " %" PRId64 ".%03" PRId64 "\n",            \
                               metrics->member / 1000, metrics->member % 1000);
    GW_METRICS_TIMES_MAP(X)
#undef X
#define X(member, name, labels, help)                                                              \
    if (status == GW_OK)                                                                           \
        status = write_histogram(&metrics->member, "skillreg_gateway_" name, labels, help, out);
    GW_METRICS_HISTOGRAMS_MAP(X)
#undef X
    return status;
}
