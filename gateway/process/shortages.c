// SPDX-License-Identifier: MIT
#include "gateway/process/shortages.h"

#include <inttypes.h>
#include <stddef.h>

#include "base/log.h"

static const struct kind {
    size_t offset; // of the counter
    const char *text;
    const char *todo;
} kinds[GW_SHORTAGE_KINDS] = {
    {offsetof(struct gw_metrics, descriptor_shortages_total), "descriptors are short",
     "raise the limit on open files (LimitNOFILE=, ulimit -n), or lower --connections-max"},
    {offsetof(struct gw_metrics, connections_made_room_total), "idle connections make room",
     "raise --connections-max, or see who opens so many"},
    {offsetof(struct gw_metrics, connections_refused_total), "newcomers are refused",
     "raise --connections-max, the limit on open files, or memory"},
};

static int64_t counted(const struct gw_metrics *metrics, const struct kind *kind) {
    return *(const int64_t *)(const void *)((const char *)metrics + kind->offset);
}

void gw_shortages_start(struct gw_shortages *shortages, const struct gw_metrics *metrics) {
    *shortages = (struct gw_shortages){.quiet_until_ms = {0}};
    for (int i = 0; i < GW_SHORTAGE_KINDS; i++)
        shortages->seen[i] = counted(metrics, &kinds[i]);
}

void gw_shortages_look(struct gw_shortages *shortages, const struct gw_metrics *metrics,
                       uint64_t now_ms) {
    for (int i = 0; i < GW_SHORTAGE_KINDS; i++) {
        int64_t times = counted(metrics, &kinds[i]) - shortages->seen[i];
        gw_assert(times >= 0);
        if (times == 0 || now_ms < shortages->quiet_until_ms[i])
            continue;
        gw_log(GW_LOG_WARNING, "server", "%s times=%" PRId64 " todo=\"%s\"", kinds[i].text, times,
               kinds[i].todo);
        shortages->seen[i] += times;
        shortages->quiet_until_ms[i] = now_ms + GW_SHORTAGE_QUIET_MS;
    }
}
