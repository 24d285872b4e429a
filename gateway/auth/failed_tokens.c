// SPDX-License-Identifier: MIT
#include "gateway/auth/failed_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "base/fixed_table.h"
#include "gateway/settings/rate.h"

struct gw_failed_tokens {
    struct gw_rate rate;
    struct gw_rate site_rate;
    struct gw_fixed_table table;
    struct gw_fixed_table sites;
    uint64_t unknown_us; // the arrival time of all unknown clients
    struct gw_metrics *metrics;
};

static struct gw_rate a_minute(uint64_t count) {
    return (struct gw_rate){.count = count, .period_s = 60, .burst = count};
}

enum gw_status gw_failed_tokens_create(uint64_t per_minute, struct gw_metrics *metrics,
                                       struct gw_failed_tokens **failed) {
    gw_assert(per_minute > 0);
    struct gw_failed_tokens *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return GW_NO_MEMORY;
    made->rate = a_minute(per_minute);
    made->site_rate = a_minute(GW_FAILED_TOKENS_SITE_TIMES * per_minute);
    made->metrics = metrics;
    enum gw_status status = gw_fixed_table_init(&made->table, GW_RATE_ADDRESSES_MAX);
    if (status == GW_OK)
        status = gw_fixed_table_init(&made->sites, GW_RATE_SITES_MAX);
    if (status == GW_OK)
        *failed = made;
    else
        gw_failed_tokens_destroy(made);
    return status;
}

void gw_failed_tokens_destroy(struct gw_failed_tokens *failed) {
    if (failed == NULL)
        return;
    gw_fixed_table_deinit(&failed->sites);
    gw_fixed_table_deinit(&failed->table);
    free(failed);
}

static struct gw_rate_verdict judge(const struct gw_failed_tokens *failed,
                                    const struct gw_client *client, uint64_t now_us) {
    uint64_t key;
    uint64_t arrival_us =
        gw_client_key(client, &key) ? gw_fixed_table_find(&failed->table, key) : failed->unknown_us;
    return gw_rate_judge(&failed->rate, arrival_us, now_us);
}

static struct gw_rate_verdict judge_site(const struct gw_failed_tokens *failed, uint64_t key,
                                         uint64_t now_us) {
    return gw_rate_judge(&failed->site_rate, gw_fixed_table_find(&failed->sites, key), now_us);
}

static uint64_t wait_us_of(struct gw_rate_verdict verdict) {
    return verdict.is_allowed ? 0 : verdict.wait_us;
}

uint64_t gw_failed_tokens_wait_s(const struct gw_failed_tokens *failed,
                                 const struct gw_client *client, uint64_t now_ms) {
    if (failed == NULL)
        return 0;
    uint64_t now_us = now_ms * 1000;
    uint64_t site;
    uint64_t wait_us = wait_us_of(judge(failed, client, now_us));
    if (gw_client_site_key(client, &site)) {
        uint64_t site_wait_us = wait_us_of(judge_site(failed, site, now_us));
        wait_us = site_wait_us > wait_us ? site_wait_us : wait_us;
    }
    return wait_us > 0 ? gw_rate_seconds(wait_us) : 0;
}

static void keep_in(struct gw_failed_tokens *failed, struct gw_fixed_table *table, uint64_t key,
                    uint64_t arrival_us, uint64_t now_us) {
    gw_assert(arrival_us > now_us); // it was allowed just now
    if (gw_fixed_table_put(table, key, arrival_us) > now_us)
        failed->metrics->rate_entries_displaced_total++;
}

static void keep(struct gw_failed_tokens *failed, const struct gw_client *client,
                 uint64_t arrival_us, uint64_t now_us) {
    uint64_t key;
    if (gw_client_key(client, &key))
        keep_in(failed, &failed->table, key, arrival_us, now_us);
    else
        failed->unknown_us = arrival_us;
}

static void note_site(struct gw_failed_tokens *failed, uint64_t key, uint64_t now_us) {
    struct gw_rate_verdict verdict = judge_site(failed, key, now_us);
    if (verdict.is_allowed)
        keep_in(failed, &failed->sites, key, verdict.arrival_us, now_us);
}

// A token that a client tries over its own budget (several at once) is not charged to its site.
void gw_failed_tokens_note(struct gw_failed_tokens *failed, const struct gw_client *client,
                           uint64_t now_ms) {
    if (failed == NULL)
        return;
    uint64_t now_us = now_ms * 1000;
    uint64_t site;
    struct gw_rate_verdict verdict = judge(failed, client, now_us);
    if (!verdict.is_allowed)
        return;
    keep(failed, client, verdict.arrival_us, now_us);
    if (gw_client_site_key(client, &site))
        note_site(failed, site, now_us);
}
