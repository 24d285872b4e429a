// SPDX-License-Identifier: MIT
#include "gateway/auth/cache.h"

#include <stdlib.h>
#include <string.h>

#include "db/events.h"
#include "db/pool.h"
#include "gateway/auth/flights.h"
#include "gateway/auth/freshness.h"
#include "gateway/auth/known_tokens.h"
#include "gateway/auth/table.h"
#include "gateway/settings/metrics.h"

#define ATTEMPTS_MAX 3

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
    uint32_t jitter; // state of a small generator: spread, not secrecy
};

static void on_event(struct db_events_consumer *consumer, const struct db_event *event);
static void on_gap(struct db_events_consumer *consumer);

enum gw_status gw_auth_cache_create(uv_loop_t *loop, const struct gw_auth_cache_options *options,
                                    struct db_pool *pool, struct db_lookups *lookups,
                                    struct gw_metrics *metrics, struct gw_auth_cache **cache_out) {
    struct gw_auth_cache *cache = calloc(1, sizeof(*cache));
    if (cache == NULL)
        return GW_NO_MEMORY;
    uint32_t negative_max = options->entries_max > 0 ? options->negative_entries_max : 0;
    enum gw_status status = gw_auth_table_init(&cache->table, options->entries_max, negative_max);
    if (status == GW_OK)
        status = gw_flights_init(&cache->flights);
    if (status == GW_OK && options->entries_max == 0) {
        cache->keeps_no_rows = true;
        status = gw_known_tokens_init(&cache->known);
    }
    if (status != GW_OK) {
        gw_auth_table_deinit(&cache->table);
        free(cache);
        return status;
    }
    cache->loop = loop;
    cache->options = *options;
    cache->pool = pool;
    cache->lookups = lookups;
    cache->metrics = metrics;
    cache->consumer = (struct db_events_consumer){.on_event = on_event, .on_gap = on_gap};
    cache->freshness = (struct gw_freshness){.lease_ms = options->lease_ms,
                                             .stale_read_ms = options->stale_read_ms,
                                             .stale_write_ms = options->stale_write_ms};
    cache->jitter = (uint32_t)cache->table.seed;
    *cache_out = cache;
    return GW_OK;
}

struct db_events_consumer *gw_auth_cache_consumer(struct gw_auth_cache *cache) {
    return &cache->consumer;
}

void gw_auth_cache_follow(struct gw_auth_cache *cache, const struct db_events *events) {
    gw_assert(cache->freshness.events == NULL);
    cache->freshness.events = events;
}

void gw_auth_cache_watch(struct gw_auth_cache *cache, struct gw_auth_watcher *watcher) {
    gw_assert(watcher == NULL || cache->watcher == NULL);
    cache->watcher = watcher;
}

static void count_entries(struct gw_auth_cache *cache) {
    cache->metrics->cache_entries = cache->table.live.count;
    cache->metrics->cache_negative_entries = cache->table.negative.count;
    cache->metrics->cache_bytes = (int64_t)cache->table.bytes;
}

// `ttl_ms` less up to a fifth, so that entries made together do not expire together.
static uint32_t spread(struct gw_auth_cache *cache, uint64_t ttl_ms) {
    cache->jitter = cache->jitter * 1664525U + 1013904223U;
    if (ttl_ms > UINT32_MAX)
        ttl_ms = UINT32_MAX;
    uint64_t fifth = ttl_ms / 5;
    return (uint32_t)(ttl_ms - (fifth * (cache->jitter >> 16) >> 16));
}

// ---- lookups ----

static void on_looked_up(struct db_token_lookup *lookup, enum gw_status status,
                         const struct db_token_row *row);

static enum gw_status send_flight(struct gw_flight *flight) {
    struct gw_auth_cache *cache = flight->cache;
    gw_assert(flight->attempts < ATTEMPTS_MAX);
    gw_list_append_all(&flight->questions, &flight->late);
    flight->attempts++;
    flight->is_outdated = false;
    flight->sent_ms = uv_now(cache->loop);
    flight->heard_ms = gw_freshness_heard_ms(&cache->freshness);
    flight->needed_seq = gw_freshness_newest_seq(&cache->freshness);
    cache->metrics->lookups_total++;
    return db_lookups_add(cache->lookups, &flight->lookup);
}

// NULL: no memory, or the database's queue is full.
static struct gw_flight *start_flight(struct gw_auth_cache *cache, const char *prefix,
                                      const unsigned char *digest) {
    struct gw_flight *flight = calloc(1, sizeof(*flight));
    if (flight == NULL)
        return NULL;
    flight->cache = cache;
    gw_list_init(&flight->questions);
    gw_list_init(&flight->late);
    gw_list_init(&flight->lookup.link);
    memcpy(flight->lookup.prefix, prefix, GW_TOKEN_PREFIX_LENGTH);
    memcpy(flight->lookup.digest, digest, DB_DIGEST_LENGTH);
    flight->lookup.on_done = on_looked_up;
    if (gw_flights_add(&cache->flights, flight) != GW_OK) {
        free(flight);
        return NULL;
    }
    if (send_flight(flight) != GW_OK) {
        gw_flights_remove(&cache->flights, flight);
        free(flight);
        return NULL;
    }
    return flight;
}

// ---- answers ----

static bool is_of_standby(const struct gw_flight *flight) {
    return flight->lookup.seen_seq != DB_SEEN_ALL;
}

// At least until this moment the answer was true. A standby that has replayed every event that was
// applied here knows what was committed when the log was last read, and may miss later changes.
static uint64_t true_ms(const struct gw_flight *flight) {
    return is_of_standby(flight) ? flight->heard_ms : flight->sent_ms;
}

// What became of the token since is here already, and may not be in the answer.
static bool is_overtaken(struct gw_flight *flight) {
    if (is_of_standby(flight) && flight->lookup.seen_seq < flight->needed_seq) {
        flight->cache->metrics->lookups_behind_total++;
        return true;
    }
    return flight->is_outdated;
}

// Keeps the database's answer as an entry, where the cache keeps entries.
static void remember(struct gw_flight *flight, enum gw_status status,
                     const struct db_token_row *row) {
    struct gw_auth_cache *cache = flight->cache;
    struct gw_auth_entry *entry = NULL;
    uint64_t ttl_ms = cache->options.ttl_ms;
    gw_assert(!flight->is_outdated);
    if (true_ms(flight) == 0)
        return; // of a standby, and the log was never read: its age is unknown
    if (status == GW_OK) {
        entry = gw_auth_table_put_live(&cache->table, flight->lookup.digest, row);
    } else if (status == GW_NOT_FOUND) {
        entry =
            gw_auth_table_put_negative(&cache->table, flight->lookup.digest, GW_AUTH_ENTRY_ABSENT);
        ttl_ms = cache->options.negative_ttl_ms;
    }
    if (entry != NULL) {
        entry->verified_ms = true_ms(flight);
        entry->fresh_ms = spread(cache, ttl_ms);
    }
    count_entries(cache);
}

// Without the database, each question has the stale policy of its own scope.
static enum gw_auth_answer answer_stale(struct gw_auth_cache *cache,
                                        const struct gw_auth_question *question,
                                        struct db_token_row *row) {
    struct gw_auth_entry *entry = gw_auth_table_find(&cache->table, question->digest);
    if (entry == NULL || !gw_freshness_may_answer_stale(&cache->freshness, entry, question->scope,
                                                        uv_now(cache->loop)))
        return GW_AUTH_UNKNOWN;
    cache->metrics->cache_stale_total++;
    gw_auth_entry_row(entry, row);
    return GW_AUTH_LIVE;
}

// The lookup's result for this question: a standby's may be too old for it.
static enum gw_status judge_age(const struct gw_flight *flight,
                                const struct gw_auth_question *question, enum gw_status status) {
    struct gw_auth_cache *cache = flight->cache;
    if (!is_of_standby(flight) || (status != GW_OK && status != GW_NOT_FOUND))
        return status;
    uint64_t age = gw_age_ms(uv_now(cache->loop), flight->heard_ms);
    if (flight->heard_ms != 0 && age < cache->options.lease_ms)
        return status;
    // A token may have been made meanwhile, so only a *yes* can go on for a while.
    if (flight->heard_ms == 0 || status == GW_NOT_FOUND ||
        age >= gw_freshness_stale_limit_ms(&cache->freshness, question->scope))
        return GW_UNAVAILABLE;
    cache->metrics->cache_stale_total++;
    return GW_OK;
}

static void answer_question(struct gw_flight *flight, struct gw_auth_question *question,
                            enum gw_status status, const struct db_token_row *row) {
    struct gw_auth_cache *cache = flight->cache;
    struct db_token_row stale;
    gw_assert(status != GW_OK || row != NULL);
    status = judge_age(flight, question, status);
    if (status == GW_OK) {
        question->on_answer(question, GW_AUTH_LIVE, row);
    } else if (status == GW_NOT_FOUND) {
        question->on_answer(question, GW_AUTH_ABSENT, NULL);
    } else {
        enum gw_auth_answer answer = answer_stale(cache, question, &stale);
        question->on_answer(question, answer, answer == GW_AUTH_LIVE ? &stale : NULL);
    }
}

// A token that was live may be looked up for a client over its budget of failed tokens.
static bool was_live(const struct gw_auth_cache *cache, const struct gw_auth_entry *entry,
                     const unsigned char *digest) {
    if (cache->keeps_no_rows)
        return gw_known_tokens_has(&cache->known, digest);
    return entry != NULL && entry->kind == GW_AUTH_ENTRY_LIVE;
}

static void note_known(struct gw_auth_cache *cache, const unsigned char *digest,
                       enum gw_status status) {
    if (!cache->keeps_no_rows)
        return;
    if (status == GW_OK)
        gw_known_tokens_add(&cache->known, digest);
    else if (status == GW_NOT_FOUND)
        gw_known_tokens_remove(&cache->known, digest);
}

// By an event: no answer of a lookup changes it.
static bool is_final(const struct gw_auth_entry *entry) {
    return entry != NULL &&
           (entry->kind == GW_AUTH_ENTRY_REVOKED || entry->kind == GW_AUTH_ENTRY_ENDED);
}

static void clear_refreshing(struct gw_auth_cache *cache, const unsigned char *digest) {
    struct gw_auth_entry *entry = gw_auth_table_find(&cache->table, digest);
    if (entry != NULL)
        entry->is_refreshing = false;
}

// An answer may ask and cancel other questions, of this flight only those still on its lists.
static void answer_all(struct gw_flight *flight, struct gw_list *questions, enum gw_status status,
                       const struct db_token_row *row) {
    for (struct gw_list *node; (node = gw_list_pop_front(questions)) != NULL;)
        answer_question(flight, gw_container_of(node, struct gw_auth_question, link), status, row);
}

// While the log is not read, a *yes* may have ended before the late questions were asked. They get
// another lookup, or stay on flight->late when that cannot be sent. False: the answer is for them
// too (a standby's is as old as the log for all of them).
static bool look_up_for_late(struct gw_flight *flight, enum gw_status status) {
    struct gw_auth_cache *cache = flight->cache;
    if (status != GW_OK || is_of_standby(flight) || gw_list_is_empty(&flight->late) ||
        gw_freshness_is_log_heard(&cache->freshness, uv_now(cache->loop)))
        return false;
    struct gw_flight *next = start_flight(cache, flight->lookup.prefix, flight->lookup.digest);
    if (next != NULL)
        gw_list_append_all(&next->questions, &flight->late);
    return true;
}

static void on_looked_up(struct db_token_lookup *lookup, enum gw_status status,
                         const struct db_token_row *row) {
    struct gw_flight *flight = gw_container_of(lookup, struct gw_flight, lookup);
    struct gw_auth_cache *cache = flight->cache;
    if (status != GW_UNAVAILABLE && is_overtaken(flight)) {
        if (flight->attempts < ATTEMPTS_MAX && send_flight(flight) == GW_OK)
            return;
        status = GW_UNAVAILABLE;
    }
    gw_flights_remove(&cache->flights, flight);
    if (is_final(gw_auth_table_find(&cache->table, lookup->digest))) {
        status = GW_NOT_FOUND;
        lookup->seen_seq = DB_SEEN_ALL; // a standby's answer is final, too
    } else if (status == GW_OK || status == GW_NOT_FOUND) {
        remember(flight, status, row);
    } else {
        clear_refreshing(cache, lookup->digest);
    }
    note_known(cache, lookup->digest, status);
    if (!look_up_for_late(flight, status))
        gw_list_append_all(&flight->questions, &flight->late);
    answer_all(flight, &flight->questions, status, row);
    answer_all(flight, &flight->late, GW_UNAVAILABLE, NULL);
    free(flight);
}

// ---- asking ----

static void refresh_ahead(struct gw_auth_cache *cache, struct gw_auth_entry *entry,
                          uint64_t now_ms) {
    if (entry->is_refreshing ||
        gw_age_ms(now_ms, entry->verified_ms) * 4 < entry->fresh_ms * 3ULL ||
        !db_pool_is_ready(cache->pool))
        return;
    if (gw_flights_find(&cache->flights, entry->digest) == NULL &&
        start_flight(cache, entry->text, entry->digest) != NULL) {
        entry->is_refreshing = true;
        cache->metrics->cache_refreshes_total++;
    }
}

static enum gw_auth_answer look_up(struct gw_auth_cache *cache, struct gw_auth_question *question,
                                   struct db_token_row *row) {
    struct gw_flight *flight = gw_flights_find(&cache->flights, question->digest);
    if (flight != NULL) {
        cache->metrics->lookups_joined_total++;
        gw_list_push_back(&flight->late, &question->link);
        return GW_AUTH_PENDING;
    }
    flight = start_flight(cache, question->prefix, question->digest);
    if (flight == NULL)
        return answer_stale(cache, question, row);
    gw_list_push_back(&flight->questions, &question->link);
    return GW_AUTH_PENDING;
}

enum gw_auth_answer gw_auth_cache_ask(struct gw_auth_cache *cache,
                                      struct gw_auth_question *question, struct db_token_row *row) {
    uint64_t now_ms = uv_now(cache->loop);
    struct gw_auth_entry *entry = gw_auth_table_find(&cache->table, question->digest);
    gw_assert(question->on_answer != NULL);
    gw_list_init(&question->link);
    gw_freshness_note_log(&cache->freshness);
    if (question->is_for_known && !was_live(cache, entry, question->digest))
        return GW_AUTH_UNSEEN;
    if (is_final(entry)) {
        cache->metrics->cache_hits_total++;
        return GW_AUTH_ABSENT;
    }
    if (entry != NULL && gw_freshness_may_answer(&cache->freshness, entry, now_ms)) {
        cache->metrics->cache_hits_total++;
        if (entry->kind == GW_AUTH_ENTRY_ABSENT)
            return GW_AUTH_ABSENT;
        refresh_ahead(cache, entry, now_ms);
        gw_auth_entry_row(entry, row);
        return GW_AUTH_LIVE;
    }
    cache->metrics->cache_misses_total++;
    // Without a connection there is no answer to wait for.
    if (!db_pool_is_ready(cache->pool))
        return answer_stale(cache, question, row);
    return look_up(cache, question, row);
}

void gw_auth_cache_cancel(struct gw_auth_question *question) {
    gw_list_remove(&question->link);
}

// ---- changes ----

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
    note_known(cache, digest, GW_NOT_FOUND);
    struct gw_auth_entry *entry = gw_auth_table_find(&cache->table, digest);
    if (is_final(entry) && entry->event_seq > event_seq)
        return;
    entry = gw_auth_table_put_negative(&cache->table, digest, kind);
    if (entry != NULL)
        entry->event_seq = event_seq;
    count_entries(cache);
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
    if (entry != NULL && !is_final(entry))
        gw_auth_table_remove(&cache->table, entry);
    count_entries(cache);
}

// The token was made or changed. An older revocation or end counts no more, where the token was
// made again, or changed after its end.
static void apply_change(struct gw_auth_cache *cache, const struct db_event *event) {
    struct gw_auth_entry *entry = gw_auth_table_find(&cache->table, event->digest);
    bool is_cleared = is_final(entry) && event->seq > entry->event_seq &&
                      (event->kind == DB_EVENT_TOKEN_CREATED || entry->kind == GW_AUTH_ENTRY_ENDED);
    if (is_cleared)
        gw_auth_table_remove(&cache->table, entry);
    gw_auth_cache_forget(cache, event->digest);
}

static void apply_org_change(struct gw_auth_cache *cache, struct gw_str org_id) {
    gw_flights_outdate_all(&cache->flights);
    if (cache->watcher != NULL)
        cache->watcher->on_org(cache->watcher, org_id);
    gw_auth_table_remove_org(&cache->table, org_id);
    count_entries(cache);
}

// ---- the consumer of the event log ----

static void on_event(struct db_events_consumer *consumer, const struct db_event *event) {
    struct gw_auth_cache *cache = gw_container_of(consumer, struct gw_auth_cache, consumer);
    cache->metrics->events_applied_total++;
    switch (event->kind) {
    case DB_EVENT_TOKEN_REVOKED:
        gw_auth_cache_revoke(cache, event->digest, event->seq);
        break;
    case DB_EVENT_ORG_CHANGED:
        apply_org_change(cache, event->org_id);
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
    count_entries(cache);
}

// ---- the end ----

void gw_auth_cache_destroy(struct gw_auth_cache *cache) {
    if (cache == NULL)
        return;
    gw_flights_deinit(&cache->flights);
    gw_auth_table_deinit(&cache->table);
    gw_known_tokens_deinit(&cache->known);
    free(cache);
}
