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
    uint64_t unknown_us; // the arrival time of all unknown clients
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

static struct gw_rate_verdict judge(const struct gw_failed_tokens *failed,
                                    const struct gw_client *client, uint64_t now_us) {
    uint64_t key;
    uint64_t arrival_us =
        gw_client_key(client, &key) ? gw_rate_table_find(&failed->table, key) : failed->unknown_us;
    return gw_rate_judge(&failed->rate, arrival_us, now_us);
}

uint64_t gw_failed_tokens_wait_s(const struct gw_failed_tokens *failed,
                                 const struct gw_client *client, uint64_t now_ms) {
    if (failed == NULL)
        return 0;
    struct gw_rate_verdict verdict = judge(failed, client, now_ms * 1000);
    return verdict.is_allowed ? 0 : gw_rate_seconds(verdict.wait_us);
}

static void keep(struct gw_failed_tokens *failed, const struct gw_client *client,
                 uint64_t arrival_us, uint64_t now_us) {
    uint64_t key;
    if (!gw_client_key(client, &key))
        failed->unknown_us = arrival_us;
    else if (!gw_rate_table_put(&failed->table, key, arrival_us, now_us))
        failed->metrics->rate_entries_displaced_total++;
}

void gw_failed_tokens_note(struct gw_failed_tokens *failed, const struct gw_client *client,
                           uint64_t now_ms) {
    if (failed == NULL)
        return;
    uint64_t now_us = now_ms * 1000;
    struct gw_rate_verdict verdict = judge(failed, client, now_us);
    if (verdict.is_allowed)
        keep(failed, client, verdict.arrival_us, now_us);
}
