// SPDX-License-Identifier: MIT
#include "gateway/auth/cache_changes.h"

#include "base/clock.h"
#include "base/turn_part.h"
#include "gateway/auth/cache_state.h"

#define SWEEP_PER_TURN 2000                              // entries looked at
#define LAG_MAX_US (INT64_C(24) * 60 * 60 * 1000 * 1000) // the log is kept for a day

// Every change of a token passes here, so that nothing that relies on the old row is left out.
static void outdate(struct gw_auth_cache *cache, const unsigned char *digest) {
    struct gw_flight *flight = gw_flights_find(&cache->flights, digest);
    if (flight != NULL)
        flight->is_outdated = true;
    if (cache->watcher != NULL)
        cache->watcher->on_token(cache->watcher, digest);
}

// From here on the token is refused, until an event with a higher number clears that. An older
// event changes nothing.
static void refuse(struct gw_auth_cache *cache, const unsigned char *digest, enum gw_auth_kind kind,
                   uint64_t event_seq) {
    gw_freshness_note_own(&cache->freshness, event_seq);
    outdate(cache, digest);
    gw_auth_cache_note_known(cache, digest, GW_NOT_FOUND);
    struct gw_auth_entry *entry = gw_auth_table_find(&cache->table, digest);
    if (gw_auth_entry_is_final(entry) && entry->event_seq > event_seq)
        return;
    entry = gw_auth_table_put_negative(&cache->table, digest, kind);
    if (entry != NULL)
        entry->event_seq = event_seq;
    gw_auth_cache_count_entries(cache);
}

void gw_auth_cache_revoke(struct gw_auth_cache *cache, const unsigned char digest[DB_DIGEST_LENGTH],
                          uint64_t event_seq) {
    refuse(cache, digest, GW_AUTH_ENTRY_REVOKED, event_seq);
}

void gw_auth_cache_end(struct gw_auth_cache *cache, const unsigned char digest[DB_DIGEST_LENGTH],
                       uint64_t event_seq) {
    refuse(cache, digest, GW_AUTH_ENTRY_ENDED, event_seq);
}

void gw_auth_cache_forget(struct gw_auth_cache *cache,
                          const unsigned char digest[DB_DIGEST_LENGTH]) {
    outdate(cache, digest);
    struct gw_auth_entry *entry = gw_auth_table_find(&cache->table, digest);
    if (entry != NULL && !gw_auth_entry_is_final(entry))
        gw_auth_table_remove(&cache->table, entry);
    gw_auth_cache_count_entries(cache);
}

void gw_auth_cache_change(struct gw_auth_cache *cache, const unsigned char digest[DB_DIGEST_LENGTH],
                          uint64_t event_seq) {
    gw_freshness_note_own(&cache->freshness, event_seq);
    gw_auth_cache_forget(cache, digest);
}

// The token was made or changed. An older revocation or end counts no more, where the token was
// made again, or changed after its end.
static void apply_change(struct gw_auth_cache *cache, const struct db_event *event) {
    struct gw_auth_entry *entry = gw_auth_table_find(&cache->table, event->digest);
    bool is_cleared = gw_auth_entry_is_final(entry) && event->seq > entry->event_seq &&
                      (event->kind == DB_EVENT_TOKEN_CREATED || entry->kind == GW_AUTH_ENTRY_ENDED);
    if (is_cleared)
        gw_auth_table_remove(&cache->table, entry);
    gw_auth_cache_forget(cache, event->digest);
}

static void on_sweep(uv_idle_t *sweeper) {
    struct gw_auth_cache *cache = gw_container_of(sweeper, struct gw_auth_cache, sweeper);
    gw_turn_part_begin("cache_sweep");
    if (!gw_auth_table_sweep(&cache->table, SWEEP_PER_TURN))
        uv_idle_stop(sweeper);
    gw_auth_cache_count_entries(cache);
    gw_turn_part_end();
}

static void start_sweep(struct gw_auth_cache *cache) {
    if (!uv_is_closing((const uv_handle_t *)&cache->sweeper))
        uv_idle_start(&cache->sweeper, on_sweep);
}

static void apply_org_change(struct gw_auth_cache *cache, struct gw_str org_id) {
    gw_flights_outdate_all(&cache->flights);
    if (cache->watcher != NULL)
        cache->watcher->on_org(cache->watcher, org_id);
    gw_auth_table_remove_org(&cache->table, org_id);
    start_sweep(cache);
}

// ---- the consumer of the event log ----

// The clocks of the database and of this machine differ: by them a change may be heard of before it
// was made, or long after it was left out of the log.
static void note_lag(struct gw_auth_cache *cache, const struct db_event *event) {
    int64_t lag_us = gw_clock_wall_us() - event->written_us;
    if (lag_us < 0)
        lag_us = 0;
    if (lag_us > LAG_MAX_US)
        lag_us = LAG_MAX_US;
    gw_histogram_observe(&cache->metrics->event_lags, (uint64_t)lag_us * 1000);
}

static void on_event(struct db_events_consumer *consumer, const struct db_event *event) {
    struct gw_auth_cache *cache = gw_container_of(consumer, struct gw_auth_cache, consumer);
    cache->metrics->events_applied_total++;
    note_lag(cache, event);
    switch (event->kind) {
    case DB_EVENT_TOKEN_REVOKED:
        gw_auth_cache_revoke(cache, event->digest, event->seq);
        break;
    case DB_EVENT_ORG_CHANGED:
        apply_org_change(cache, event->org_id);
        break;
    case DB_EVENT_ISSUER_CHANGED: // of no token
        break;
    case DB_EVENT_TOKEN_CREATED:
    case DB_EVENT_TOKEN_CHANGED:
    default:
        if (event->is_ended)
            gw_auth_cache_end(cache, event->digest, event->seq);
        else
            apply_change(cache, event);
    }
}

// Everything known may be outdated.
static void on_gap(struct db_events_consumer *consumer) {
    struct gw_auth_cache *cache = gw_container_of(consumer, struct gw_auth_cache, consumer);
    gw_freshness_forget_own(&cache->freshness);
    gw_flights_outdate_all(&cache->flights);
    if (cache->watcher != NULL)
        cache->watcher->on_all(cache->watcher);
    gw_auth_table_clear(&cache->table);
    start_sweep(cache);
}

const struct db_events_consumer gw_auth_cache_changes = {.on_event = on_event, .on_gap = on_gap};
