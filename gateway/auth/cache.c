// SPDX-License-Identifier: MIT
#include "gateway/auth/cache.h"

#include <stdlib.h>
#include <string.h>

#include "db/pool.h"
#include "gateway/auth/cache_state.h"
#include "gateway/auth/source.h"

#define ATTEMPTS_MAX 3

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
    cache->consumer = gw_auth_cache_changes;
    cache->freshness = (struct gw_freshness){.lease_ms = options->lease_ms,
                                             .stale_read_ms = options->stale_read_ms,
                                             .stale_write_ms = options->stale_write_ms,
                                             .jitter = (uint32_t)cache->table.seed};
    uv_idle_init(loop, &cache->sweeper);
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

enum gw_auth_means gw_auth_cache_means(const struct gw_auth_cache *cache) {
    if (db_pool_is_ready(cache->pool))
        return GW_AUTH_BY_DATABASE;
    if (cache->table.live.count == 0)
        return GW_AUTH_BY_NOTHING;
    return gw_freshness_may_decide(&cache->freshness, uv_now(cache->loop)) ? GW_AUTH_BY_MEMORY
                                                                           : GW_AUTH_TOO_LATE;
}

// ---- lookups ----

static void on_looked_up(struct db_token_lookup *lookup, enum gw_status status,
                         const struct db_token_row *row);

static enum gw_status send_flight(struct gw_flight *flight) {
    struct gw_auth_cache *cache = flight->cache;
    gw_assert(flight->attempts < ATTEMPTS_MAX);
    gw_list_append_all(&flight->questions, &flight->late);
    flight->attempts++;
    gw_flights_note_sent(&cache->flights, flight);
    flight->sent_ms = uv_now(cache->loop);
    flight->sent_ns = uv_hrtime();
    flight->heard_ms = gw_freshness_heard_ms(&cache->freshness);
    flight->needed_seq = gw_freshness_newest_seq(&cache->freshness);
    cache->metrics->lookups_total++;
    return db_lookups_add(cache->lookups, &flight->lookup);
}

// NULL: no memory, or the database's queue is full.
static struct gw_flight *start_flight(struct gw_auth_cache *cache, const char *prefix,
                                      const unsigned char *digest) {
    struct gw_flight *flight = gw_flight_create(prefix, digest);
    if (flight == NULL)
        return NULL;
    flight->cache = cache;
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
    return gw_flights_is_outdated(&flight->cache->flights, flight);
}

// Keeps the database's answer as an entry, where the cache keeps entries.
static void remember(struct gw_flight *flight, enum gw_status status,
                     const struct db_token_row *row) {
    struct gw_auth_cache *cache = flight->cache;
    struct gw_auth_entry *entry = NULL;
    uint64_t ttl_ms = cache->options.ttl_ms;
    gw_assert(!gw_flights_is_outdated(&cache->flights, flight));
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
        entry->fresh_ms = gw_freshness_spread(&cache->freshness, ttl_ms);
    }
    gw_auth_cache_count_entries(cache);
}

// Without the database, each question has the stale policy of its own scope.
static enum gw_auth_answer answer_stale(struct gw_auth_cache *cache,
                                        struct gw_auth_question *question,
                                        struct db_token_row *row) {
    struct gw_auth_entry *entry = gw_auth_table_find(&cache->table, question->digest);
    if (entry == NULL || !gw_freshness_may_answer_stale(&cache->freshness, entry, question->scope,
                                                        uv_now(cache->loop)))
        return GW_AUTH_UNKNOWN;
    gw_auth_note_source(&question->source, cache->metrics, GW_REPORT_STALE);
    gw_auth_entry_row(entry, row);
    return GW_AUTH_LIVE;
}

// The lookup's result for this question: a standby's may be too old for it.
static enum gw_status judge_age(const struct gw_flight *flight, struct gw_auth_question *question,
                                enum gw_status status) {
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
    gw_auth_note_source(&question->source, cache->metrics, GW_REPORT_STALE);
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
    gw_histogram_observe(&cache->metrics->lookups, uv_hrtime() - flight->sent_ns);
    if (status != GW_UNAVAILABLE && is_overtaken(flight)) {
        if (flight->attempts < ATTEMPTS_MAX && send_flight(flight) == GW_OK)
            return;
        status = GW_UNAVAILABLE;
    }
    gw_flights_remove(&cache->flights, flight);
    if (gw_auth_entry_is_final(gw_auth_table_find(&cache->table, lookup->digest))) {
        status = GW_NOT_FOUND;
        lookup->seen_seq = DB_SEEN_ALL; // a standby's answer is final, too
    } else if (status == GW_OK || status == GW_NOT_FOUND) {
        remember(flight, status, row);
    } else {
        clear_refreshing(cache, lookup->digest);
    }
    gw_auth_cache_note_known(cache, lookup->digest, status);
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
        gw_auth_note_source(&question->source, cache->metrics, GW_REPORT_JOINED);
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
    if (gw_auth_entry_is_final(entry)) {
        gw_auth_note_source(&question->source, cache->metrics, GW_REPORT_HIT);
        return GW_AUTH_ABSENT;
    }
    if (entry != NULL && gw_freshness_may_answer(&cache->freshness, entry, now_ms)) {
        gw_auth_note_source(&question->source, cache->metrics, GW_REPORT_HIT);
        if (entry->kind == GW_AUTH_ENTRY_ABSENT)
            return GW_AUTH_ABSENT;
        refresh_ahead(cache, entry, now_ms);
        gw_auth_entry_row(entry, row);
        return GW_AUTH_LIVE;
    }
    gw_auth_note_source(&question->source, cache->metrics, GW_REPORT_MISS);
    if (db_pool_is_ready(cache->pool))
        return look_up(cache, question, row);
    enum gw_auth_answer answer = answer_stale(cache, question, row);
    // A lookup waits for a connection that is about to come, and for no other.
    if (answer != GW_AUTH_UNKNOWN || !db_pool_is_expected(cache->pool))
        return answer;
    return look_up(cache, question, row);
}

void gw_auth_cache_hand_over(struct gw_auth_question *question, struct gw_auth_question *heir) {
    gw_assert(!gw_list_is_empty(&question->link) && heir->on_answer != NULL);
    gw_list_push_back(&question->link, &heir->link);
    gw_list_remove(&question->link);
}

void gw_auth_cache_cancel(struct gw_auth_question *question) {
    gw_list_remove(&question->link);
}

// ---- the end ----

void gw_auth_cache_close(struct gw_auth_cache *cache) {
    uv_close((uv_handle_t *)&cache->sweeper, NULL);
}

void gw_auth_cache_destroy(struct gw_auth_cache *cache) {
    if (cache == NULL)
        return;
    gw_flights_deinit(&cache->flights);
    gw_auth_table_deinit(&cache->table);
    gw_known_tokens_deinit(&cache->known);
    free(cache);
}
