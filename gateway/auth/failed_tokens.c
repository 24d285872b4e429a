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

// What one try finds and would leave behind: of the client, and of its site, if it has one.
struct account {
    struct gw_fixed_table *table; // NULL: all clients of unknown address
    const struct gw_rate *rate;
    uint64_t key;
    uint64_t arrival_us;
};

struct accounts {
    struct account of[2];
    int count;
};

static struct accounts find_accounts(struct gw_failed_tokens *failed,
                                     const struct gw_client *client) {
    struct account own = {.rate = &failed->rate, .arrival_us = failed->unknown_us};
    struct account site = {.table = &failed->sites, .rate = &failed->site_rate};
    struct accounts accounts = {.count = 1};
    if (gw_client_key(client, &own.key)) {
        own.table = &failed->table;
        own.arrival_us = gw_fixed_table_find(own.table, own.key);
    }
    accounts.of[0] = own;
    if (gw_client_site_key(client, &site.key)) {
        site.arrival_us = gw_fixed_table_find(site.table, site.key);
        accounts.of[accounts.count++] = site;
    }
    return accounts;
}

static void keep(struct gw_failed_tokens *failed, const struct account *account,
                 uint64_t arrival_us, uint64_t now_us) {
    if (account->table == NULL)
        failed->unknown_us = arrival_us;
    else if (arrival_us <= now_us)
        gw_fixed_table_remove(account->table, account->key);
    else if (gw_fixed_table_put(account->table, account->key, arrival_us) > now_us)
        failed->metrics->rate_entries_displaced_total++;
}

uint64_t gw_failed_tokens_charge(struct gw_failed_tokens *failed, const struct gw_client *client,
                                 uint64_t now_ms) {
    if (failed == NULL)
        return 0;
    uint64_t now_us = now_ms * 1000;
    struct accounts accounts = find_accounts(failed, client);
    struct gw_rate_verdict verdicts[2];
    uint64_t wait_us = 0;
    for (int i = 0; i < accounts.count; i++) {
        verdicts[i] = gw_rate_judge(accounts.of[i].rate, accounts.of[i].arrival_us, now_us);
        if (!verdicts[i].is_allowed && verdicts[i].wait_us > wait_us)
            wait_us = verdicts[i].wait_us;
    }
    if (wait_us > 0)
        return gw_rate_seconds(wait_us);
    for (int i = 0; i < accounts.count; i++)
        keep(failed, &accounts.of[i], verdicts[i].arrival_us, now_us);
    return 0;
}

// What has gone by itself meanwhile is not given back a second time, as far as is still known.
void gw_failed_tokens_give_back(struct gw_failed_tokens *failed, const struct gw_client *client,
                                uint64_t now_ms) {
    if (failed == NULL)
        return;
    uint64_t now_us = now_ms * 1000;
    struct accounts accounts = find_accounts(failed, client);
    for (int i = 0; i < accounts.count; i++) {
        const struct account *account = &accounts.of[i];
        if (account->arrival_us > now_us)
            keep(failed, account, gw_rate_give_back(account->rate, account->arrival_us), now_us);
    }
}
