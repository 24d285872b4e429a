// SPDX-License-Identifier: MIT
#pragma once
// The state of the memory of tokens, for the files that are it: cache.c answers questions,
// cache_changes.c applies what has changed.

#include "db/events.h"
#include "gateway/auth/cache_options.h"
#include "gateway/auth/flights.h"
#include "gateway/auth/freshness.h"
#include "gateway/auth/known_tokens.h"
#include "gateway/auth/table.h"
#include "gateway/settings/metrics.h"

struct gw_auth_cache {
    uv_loop_t *loop;
    struct gw_auth_cache_options options;
    struct db_pool *pool;
    struct db_lookups *lookups;
    struct db_events_consumer consumer;
    struct gw_freshness freshness;
    struct gw_auth_watcher *watcher;
    struct gw_metrics *metrics;
    struct gw_auth_table table;
    bool keeps_no_rows; // and in their place knows which tokens were live
    struct gw_known_tokens known;
    struct gw_flights flights;
    uv_idle_t sweeper; // runs while entries that a change has ended take up memory
};

static inline void gw_auth_cache_count_entries(struct gw_auth_cache *cache) {
    cache->metrics->cache_entries = cache->table.live.count;
    cache->metrics->cache_negative_entries = cache->table.negative.count;
    cache->metrics->cache_bytes = (int64_t)cache->table.bytes;
}

// Whether the token is live, as far as that is all that is kept.
static inline void gw_auth_cache_note_known(struct gw_auth_cache *cache,
                                            const unsigned char digest[DB_DIGEST_LENGTH],
                                            enum gw_status status) {
    if (cache->keeps_no_rows)
        gw_known_tokens_note(&cache->known, digest, status);
}

// By an event: no answer of a lookup changes it.
static inline bool gw_auth_entry_is_final(const struct gw_auth_entry *entry) {
    return entry != NULL &&
           (entry->kind == GW_AUTH_ENTRY_REVOKED || entry->kind == GW_AUTH_ENTRY_ENDED);
}
