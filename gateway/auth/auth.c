// SPDX-License-Identifier: MIT
#include "gateway/auth/auth.h"

#include "db/lookup.h"
#include "gateway/auth/cache.h"
#include "gateway/auth/device_limits.h"
#include "gateway/auth/failed_tokens.h"
#include "gateway/auth/last_used.h"
#include "gateway/auth/rate_limit.h"
#include "gateway/auth/transfers.h"
#include "gateway/exchange/services.h"

static enum gw_status create_rates(const struct gw_services *services,
                                   struct gw_rate_limit **limit) {
    const struct gw_config *config = services->config;
    const struct gw_rate_limit_options rates = {.token = config->rate_limit,
                                                .search = config->search_rate_limit,
                                                .org = config->org_rate_limit};
    return gw_rate_limit_create(&rates, services->metrics, limit);
}

enum gw_status gw_auth_open_limits(struct gw_auth *auth, const struct gw_services *services) {
    const struct gw_config *config = services->config;
    gw_assert(auth->rate_limit == NULL && auth->failed_tokens == NULL);
    enum gw_status status = create_rates(services, &auth->rate_limit);
    if (status == GW_OK && config->failed_token_limit > 0)
        status = gw_failed_tokens_create((uint64_t)config->failed_token_limit, services->metrics,
                                         &auth->failed_tokens);
    if (status == GW_OK && config->device_login)
        status = gw_device_limits_create(services->metrics, &auth->device_limits);
    return status;
}

enum gw_status gw_auth_change_rates(struct gw_auth *auth, const struct gw_services *services) {
    struct gw_rate_limit *fresh;
    enum gw_status status = create_rates(services, &fresh);
    if (status != GW_OK)
        return status;
    gw_rate_limit_destroy(auth->rate_limit);
    auth->rate_limit = fresh;
    return GW_OK;
}

static enum gw_status open_last_used(struct gw_auth *auth, const struct gw_services *services,
                                     struct db_pool *pool) {
    const struct gw_last_used_options options = {
        .interval_ms = services->config->last_used_interval_ms,
        .resolution_ms = services->config->last_used_resolution_ms};
    return gw_last_used_create(services->loop, pool, services->metrics, &options, &auth->last_used);
}

static enum gw_status open_cache(struct gw_auth *auth, const struct gw_services *services,
                                 struct db_pool *pool) {
    const struct gw_config *config = services->config;
    const struct gw_auth_cache_options options = {.entries_max = (uint32_t)config->cache_entries,
                                                  .negative_entries_max =
                                                      (uint32_t)config->cache_negative_entries,
                                                  .ttl_ms = config->cache_ttl_ms,
                                                  .negative_ttl_ms = config->cache_negative_ttl_ms,
                                                  .lease_ms = config->freshness_lease_ms,
                                                  .stale_read_ms = config->stale_read_ms,
                                                  .stale_write_ms = config->stale_write_ms};
    return gw_auth_cache_create(services->loop, &options, pool, auth->lookups, services->metrics,
                                &auth->cache);
}

enum gw_status gw_auth_open(struct gw_auth *auth, const struct gw_services *services,
                            struct db_pool *pool) {
    gw_assert(auth->lookups == NULL);
    enum gw_status status = db_lookups_create(services->loop, pool, &auth->lookups);
    if (status == GW_OK)
        status = open_last_used(auth, services, pool);
    if (status == GW_OK)
        status = open_cache(auth, services, pool);
    return status;
}

enum gw_status gw_auth_follow(struct gw_auth *auth, struct gw_services *services,
                              const struct db_events *events) {
    gw_assert(services->auth == auth && auth->transfers == NULL);
    gw_auth_cache_follow(auth->cache, events);
    return services->config->keep_transfers
               ? GW_OK
               : gw_transfers_create(services, auth->cache, &auth->transfers);
}

void gw_auth_close(struct gw_auth *auth) {
    if (auth->transfers != NULL)
        gw_transfers_close(auth->transfers);
    if (auth->last_used != NULL)
        gw_last_used_close(auth->last_used, NULL);
    if (auth->cache != NULL)
        gw_auth_cache_close(auth->cache);
    if (auth->lookups != NULL)
        db_lookups_close(auth->lookups, NULL);
}

void gw_auth_destroy(struct gw_auth *auth) {
    gw_auth_cache_destroy(auth->cache);
    gw_device_limits_destroy(auth->device_limits);
    gw_failed_tokens_destroy(auth->failed_tokens);
    gw_rate_limit_destroy(auth->rate_limit);
}

uint64_t gw_auth_memory_ms(const struct gw_config *config) {
    uint64_t longest_ms = config->freshness_lease_ms;
    if (config->stale_read_ms > longest_ms)
        longest_ms = config->stale_read_ms;
    return config->stale_write_ms > longest_ms ? config->stale_write_ms : longest_ms;
}
