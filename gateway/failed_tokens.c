// SPDX-License-Identifier: MIT
#include "gateway/failed_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "gateway/rate.h"
#include "gateway/rate_table.h"

struct gw_failed_tokens {
    struct gw_rate rate;
    struct gw_rate_table table;
    struct gw_metrics *metrics;
};

enum gw_status gw_failed_tokens_create(uint64_t per_minute, struct gw_metrics *metrics,
                                       struct gw_failed_tokens **failed) {
    struct gw_failed_tokens *made = malloc(sizeof *made);
    if (made == NULL)
        return GW_NO_MEMORY;
    *made = (struct gw_failed_tokens){
        .rate = {.count = per_minute, .period_s = 60, .burst = per_minute},
        .metrics = metrics,
    };
    enum gw_status status = gw_rate_table_init(&made->table, GW_RATE_ADDRESSES_MAX);
    if (status == GW_OK)
        *failed = made;
    else
        free(made);
    return status;
}

void gw_failed_tokens_destroy(struct gw_failed_tokens *failed) {
    if (failed == NULL)
        return;
    gw_rate_table_deinit(&failed->table);
    free(failed);
}

static struct gw_rate_verdict judge(const struct gw_failed_tokens *failed, uint64_t key,
                                    uint64_t now_us) {
    return gw_rate_judge(&failed->rate, gw_rate_table_find(&failed->table, key), now_us);
}

uint64_t gw_failed_tokens_wait_s(const struct gw_failed_tokens *failed, const struct gw_ip *ip,
                                 uint64_t now_ms) {
    if (failed == NULL)
        return 0;
    struct gw_rate_verdict verdict = judge(failed, gw_ip_client_key(ip), now_ms * 1000);
    return verdict.is_allowed ? 0 : gw_rate_seconds(verdict.wait_us);
}

void gw_failed_tokens_note(struct gw_failed_tokens *failed, const struct gw_ip *ip,
                           uint64_t now_ms) {
    if (failed == NULL)
        return;
    uint64_t key = gw_ip_client_key(ip);
    uint64_t now_us = now_ms * 1000;
    struct gw_rate_verdict verdict = judge(failed, key, now_us);
    if (verdict.is_allowed && !gw_rate_table_put(&failed->table, key, verdict.arrival_us, now_us))
        failed->metrics->rate_entries_displaced_total++;
}
