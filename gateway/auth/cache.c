// SPDX-License-Identifier: MIT
#include "gateway/auth/cache.h"

#include <stdlib.h>
#include <string.h>

#include "db/events.h"
#include "db/pool.h"
#include "gateway/auth/known_tokens.h"
#include "gateway/auth/table.h"
#include "gateway/settings/metrics.h"

#define ATTEMPTS_MAX 3

// A lookup on its way, and the questions that wait for it (none: a refresh in the background).
struct flight {
    struct gw_list link; // of the cache's flights
    struct db_token_lookup lookup;
    struct gw_auth_cache *cache;
    struct gw_list questions; // asked before it was sent
    struct gw_list late;      // asked since
    uint64_t sent_ms;
    uint64_t heard_ms;   // the log, when it was sent
    uint64_t needed_seq; // the newest event known of, then
    int attempts;
    bool is_outdated; // an event for the digest came after it was sent
};

struct flight_slot {
    uint64_t hash;
    unsigned char digest[DB_DIGEST_LENGTH];
    struct flight *flight;
};

struct gw_auth_cache {
    uv_loop_t *loop;
    struct gw_auth_cache_options options;
    struct db_pool *pool;
    struct db_lookups *lookups;
    const struct db_events *events;
    struct gw_auth_watcher *watcher;
    uint64_t followed_ms; // when the log was known to be followed; 0: not yet
    uint64_t own_seq;     // the newest event of a revocation through this process
    struct gw_metrics *metrics;
    struct gw_auth_table table;
    bool keeps_no_rows; // and in their place knows which tokens were live
    struct gw_known_tokens known;
    struct gw_list flights;
    struct gw_table flights_by_digest;
    uint32_t jitter; // state of a small generator: spread, not secrecy
};

enum gw_status gw_auth_cache_create(uv_loop_t *loop, const struct gw_auth_cache_options *options,
                                    struct db_pool *pool, struct db_lookups *lookups,
                                    struct gw_metrics *metrics, struct gw_auth_cache **cache_out) {
    struct gw_auth_cache *cache = calloc(1, sizeof(*cache));
    if (cache == NULL)
        return GW_NO_MEMORY;
    uint32_t negative_max = options->entries_max > 0 ? options->negative_entries_max : 0;
    enum gw_status status = gw_auth_table_init(&cache->table, options->entries_max, negative_max);
    if (status == GW_OK)
        status =
            gw_table_init(&cache->flights_by_digest, sizeof(struct flight_slot), DB_DIGEST_LENGTH);
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
    cache->jitter = (uint32_t)cache->table.seed;
    gw_list_init(&cache->flights);
    *cache_out = cache;
    return GW_OK;
}

void gw_auth_cache_follow(struct gw_auth_cache *cache, const struct db_events *events) {
    cache->events = events;
}

void gw_auth_cache_watch(struct gw_auth_cache *cache, struct gw_auth_watcher *watcher) {
    cache->watcher = watcher;
}

static void count_entries(struct gw_auth_cache *cache) {
    cache->metrics->cache_entries = cache->table.live.count;
    cache->metrics->cache_negative_entries = cache->table.negative.count;
    cache->metrics->cache_bytes = (int64_t)cache->table.bytes;
}

// ---- trust ----

static uint64_t heard_ms(const struct gw_auth_cache *cache) {
    return cache->events != NULL ? db_events_heard_ms(cache->events) : 0;
}

// The newest change of which this process knows, by the log or because it made it.
static uint64_t newest_seq(const struct gw_auth_cache *cache) {
    uint64_t applied_seq = cache->events != NULL ? db_events_applied_seq(cache->events) : 0;
    return applied_seq > cache->own_seq ? applied_seq : cache->own_seq;
}

// The log is followed from its newest row on: it never tells what changed after a lookup that was
// sent before.
static bool is_told_of(const struct gw_auth_cache *cache, const struct gw_auth_entry *entry) {
    return cache->followed_ms != 0 && entry->verified_ms > cache->followed_ms;
}

// Until when the entry counts as known to be true: when the log was last heard, or its lookup if
// that was before the log was followed. A later lookup does not prolong it: a revoke that waits for
// everybody reckons with the last sign of life of this process. 0: the log was never heard, so
// nobody waits for this process.
static uint64_t known_until_ms(const struct gw_auth_cache *cache,
                               const struct gw_auth_entry *entry) {
    uint64_t until_ms = heard_ms(cache);
    return is_told_of(cache, entry) || until_ms < entry->verified_ms ? until_ms
                                                                     : entry->verified_ms;
}

static uint64_t age_ms(uint64_t now_ms, uint64_t then_ms) {
    return now_ms > then_ms ? now_ms - then_ms : 0;
}

// While this holds, what changes is told.
static bool is_log_heard(const struct gw_auth_cache *cache, uint64_t now_ms) {
    return age_ms(now_ms, heard_ms(cache)) < cache->options.lease_ms;
}

// The lease holds for new entries too: a revoke that waits for everybody reckons from the last sign
// of life.
static bool is_fresh(const struct gw_auth_cache *cache, const struct gw_auth_entry *entry,
                     uint64_t now_ms) {
    return age_ms(now_ms, entry->verified_ms) < entry->fresh_ms && is_told_of(cache, entry) &&
           is_log_heard(cache, now_ms);
}

// How long what was true once may let a request for `scope` pass.
static uint64_t stale_limit_ms(const struct gw_auth_cache *cache, enum gw_scope scope) {
    return scope == GW_SCOPE_READ    ? cache->options.stale_read_ms
           : scope == GW_SCOPE_WRITE ? cache->options.stale_write_ms
                                     : 0;
}

static bool may_answer_stale(const struct gw_auth_cache *cache, const struct gw_auth_entry *entry,
                             enum gw_scope scope, uint64_t now_ms) {
    uint64_t until_ms = known_until_ms(cache, entry);
    return entry->kind == GW_AUTH_ENTRY_LIVE && until_ms != 0 &&
           age_ms(now_ms, until_ms) < stale_limit_ms(cache, scope);
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

static struct flight *find_flight(const struct gw_auth_cache *cache, const unsigned char *digest) {
    const struct flight_slot *slot = gw_table_find(&cache->flights_by_digest, digest);
    return slot != NULL ? slot->flight : NULL;
}

// From here on the digest has no flight.
static void land(struct flight *flight) {
    struct gw_table *flights = &flight->cache->flights_by_digest;
    struct flight_slot *slot = gw_table_find(flights, flight->lookup.digest);
    gw_assert(slot != NULL && slot->flight == flight);
    gw_table_remove(flights, slot);
    gw_list_remove(&flight->link);
}

static enum gw_status send_flight(struct flight *flight) {
    struct gw_auth_cache *cache = flight->cache;
    gw_list_append_all(&flight->questions, &flight->late);
    flight->attempts++;
    flight->is_outdated = false;
    flight->sent_ms = uv_now(cache->loop);
    flight->heard_ms = heard_ms(cache);
    flight->needed_seq = newest_seq(cache);
    cache->metrics->lookups_total++;
    return db_lookups_add(cache->lookups, &flight->lookup);
}

// NULL: no memory, or the database's queue is full.
static struct flight *start_flight(struct gw_auth_cache *cache, const char *prefix,
                                   const unsigned char *digest) {
    struct flight *flight = calloc(1, sizeof(*flight));
    if (flight == NULL)
        return NULL;
    flight->cache = cache;
    gw_list_init(&flight->questions);
    gw_list_init(&flight->late);
    gw_list_init(&flight->lookup.link);
    memcpy(flight->lookup.prefix, prefix, GW_TOKEN_PREFIX_LENGTH);
    memcpy(flight->lookup.digest, digest, DB_DIGEST_LENGTH);
    flight->lookup.on_done = on_looked_up;
    struct flight_slot *slot = gw_table_put(&cache->flights_by_digest, digest);
    if (slot == NULL || send_flight(flight) != GW_OK) {
        if (slot != NULL)
            gw_table_remove(&cache->flights_by_digest, slot);
        free(flight);
        return NULL;
    }
    gw_assert(slot->flight == NULL); // one at a time
    slot->flight = flight;
    gw_list_push_back(&cache->flights, &flight->link);
    return flight;
}

// ---- answers ----

static bool is_of_standby(const struct flight *flight) {
    return flight->lookup.seen_seq != DB_SEEN_ALL;
}

// When what the lookup told was true, at the least. A standby that has replayed what was applied
// here knows what was committed when the log was last heard; of what came later it may know
// nothing.
static uint64_t true_ms(const struct flight *flight) {
    return is_of_standby(flight) ? flight->heard_ms : flight->sent_ms;
}

// What became of the token since is here already, and may not be in the answer.
static bool is_overtaken(struct flight *flight) {
    if (is_of_standby(flight) && flight->lookup.seen_seq < flight->needed_seq) {
        flight->cache->metrics->lookups_behind_total++;
        return true;
    }
    return flight->is_outdated;
}

// What the database said, remembered. NULL: nothing is kept.
static void remember(struct flight *flight, enum gw_status status, const struct db_token_row *row) {
    struct gw_auth_cache *cache = flight->cache;
    struct gw_auth_entry *entry = NULL;
    uint64_t ttl_ms = cache->options.ttl_ms;
    if (true_ms(flight) == 0)
        return; // of a standby, and nothing was heard to measure it by
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

// The database cannot say: each question by the stale policy of its own scope.
static enum gw_auth_answer answer_stale(struct gw_auth_cache *cache,
                                        const struct gw_auth_question *question,
                                        struct db_token_row *row) {
    struct gw_auth_entry *entry = gw_auth_table_find(&cache->table, question->digest);
    if (entry == NULL || !may_answer_stale(cache, entry, question->scope, uv_now(cache->loop)))
        return GW_AUTH_UNKNOWN;
    cache->metrics->cache_stale_total++;
    gw_auth_entry_row(entry, row);
    return GW_AUTH_LIVE;
}

// What the lookup told, for this question: the word of a standby may be too old for it.
static enum gw_status judge_age(const struct flight *flight,
                                const struct gw_auth_question *question, enum gw_status status) {
    struct gw_auth_cache *cache = flight->cache;
    if (!is_of_standby(flight) || (status != GW_OK && status != GW_NOT_FOUND))
        return status;
    uint64_t age = age_ms(uv_now(cache->loop), flight->heard_ms);
    if (flight->heard_ms != 0 && age < cache->options.lease_ms)
        return status;
    // A token may have been made meanwhile: only a *yes* can go on for a while.
    if (flight->heard_ms == 0 || status == GW_NOT_FOUND ||
        age >= stale_limit_ms(cache, question->scope))
        return GW_UNAVAILABLE;
    cache->metrics->cache_stale_total++;
    return GW_OK;
}

static void answer_question(struct flight *flight, struct gw_auth_question *question,
                            enum gw_status status, const struct db_token_row *row) {
    struct gw_auth_cache *cache = flight->cache;
    struct db_token_row stale;
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

// Whose question may cause a lookup when others may not.
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

// Told by an event: no answer of a lookup says otherwise.
static bool is_final(const struct gw_auth_entry *entry) {
    return entry != NULL &&
           (entry->kind == GW_AUTH_ENTRY_REVOKED || entry->kind == GW_AUTH_ENTRY_ENDED);
}

static void clear_refreshing(struct gw_auth_cache *cache, const unsigned char *digest) {
    struct gw_auth_entry *entry = gw_auth_table_find(&cache->table, digest);
    if (entry != NULL)
        entry->is_refreshing = false;
}

// Answering may ask and cancel other questions, but none of this flight's that is not on its list
// any more.
static void answer_all(struct flight *flight, struct gw_list *questions, enum gw_status status,
                       const struct db_token_row *row) {
    for (struct gw_list *node; (node = gw_list_pop_front(questions)) != NULL;)
        answer_question(flight, gw_container_of(node, struct gw_auth_question, link), status, row);
}

// While the log is not heard, nothing tells whether a *yes* was still true when the late ones
// asked: those have another lookup, or stay on flight->late when that cannot be sent. False: the
// answer is for them too (the word of a standby is as old as the log for all of them).
static bool look_up_for_late(struct flight *flight, enum gw_status status) {
    struct gw_auth_cache *cache = flight->cache;
    if (status != GW_OK || is_of_standby(flight) || gw_list_is_empty(&flight->late) ||
        is_log_heard(cache, uv_now(cache->loop)))
        return false;
    struct flight *next = start_flight(cache, flight->lookup.prefix, flight->lookup.digest);
    if (next != NULL)
        gw_list_append_all(&next->questions, &flight->late);
    return true;
}

static void on_looked_up(struct db_token_lookup *lookup, enum gw_status status,
                         const struct db_token_row *row) {
    struct flight *flight = gw_container_of(lookup, struct flight, lookup);
    struct gw_auth_cache *cache = flight->cache;
    if (status != GW_UNAVAILABLE && is_overtaken(flight)) {
        if (flight->attempts < ATTEMPTS_MAX && send_flight(flight) == GW_OK)
            return;
        status = GW_UNAVAILABLE;
    }
    land(flight);
    if (is_final(gw_auth_table_find(&cache->table, lookup->digest))) {
        status = GW_NOT_FOUND;
        lookup->seen_seq = DB_SEEN_ALL; // whoever answered
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
    if (entry->is_refreshing || age_ms(now_ms, entry->verified_ms) * 4 < entry->fresh_ms * 3ULL ||
        !db_pool_is_ready(cache->pool))
        return;
    if (find_flight(cache, entry->digest) == NULL &&
        start_flight(cache, entry->text, entry->digest) != NULL) {
        entry->is_refreshing = true;
        cache->metrics->cache_refreshes_total++;
    }
}

static enum gw_auth_answer look_up(struct gw_auth_cache *cache, struct gw_auth_question *question,
                                   struct db_token_row *row) {
    struct flight *flight = find_flight(cache, question->digest);
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
    gw_list_init(&question->link);
    if (cache->followed_ms == 0)
        cache->followed_ms = heard_ms(cache);
    if (question->is_for_known && !was_live(cache, entry, question->digest))
        return GW_AUTH_UNSEEN;
    if (is_final(entry)) {
        cache->metrics->cache_hits_total++;
        return GW_AUTH_ABSENT;
    }
    if (entry != NULL && is_fresh(cache, entry, now_ms)) {
        cache->metrics->cache_hits_total++;
        if (entry->kind == GW_AUTH_ENTRY_ABSENT)
            return GW_AUTH_ABSENT;
        refresh_ahead(cache, entry, now_ms);
        gw_auth_entry_row(entry, row);
        return GW_AUTH_LIVE;
    }
    cache->metrics->cache_misses_total++;
    // Without a connection there is nothing to wait for.
    if (!db_pool_is_ready(cache->pool))
        return answer_stale(cache, question, row);
    return look_up(cache, question, row);
}

void gw_auth_cache_cancel(struct gw_auth_question *question) {
    gw_list_remove(&question->link);
}

// ---- news ----

// Whatever is said of a token comes through here, so that nobody who relies on what was known can
// be left out.
static void hear_of_token(struct gw_auth_cache *cache, const unsigned char *digest) {
    struct flight *flight = find_flight(cache, digest);
    if (flight != NULL)
        flight->is_outdated = true;
    if (cache->watcher != NULL)
        cache->watcher->on_token(cache->watcher, digest);
}

static void outdate_all_flights(struct gw_auth_cache *cache) {
    struct gw_list *flights = &cache->flights;
    for (struct gw_list *node = flights->next; node != flights; node = node->next)
        gw_container_of(node, struct flight, link)->is_outdated = true;
}

static void hear_of_org(struct gw_auth_cache *cache, struct gw_str org_id) {
    outdate_all_flights(cache);
    if (cache->watcher != NULL)
        cache->watcher->on_org(cache->watcher, org_id);
}

static void hear_of_anything(struct gw_auth_cache *cache) {
    outdate_all_flights(cache);
    if (cache->watcher != NULL)
        cache->watcher->on_all(cache->watcher);
}

// From here on it is refused, until an event with a higher number clears that. Heard again it stays
// what it was told first.
static void refuse(struct gw_auth_cache *cache, const unsigned char *digest, enum gw_auth_kind kind,
                   uint64_t event_seq) {
    if (event_seq > cache->own_seq)
        cache->own_seq = event_seq;
    hear_of_token(cache, digest);
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
    hear_of_token(cache, digest);
    struct gw_auth_entry *entry = gw_auth_table_find(&cache->table, digest);
    if (entry != NULL && !is_final(entry))
        gw_auth_table_remove(&cache->table, entry);
    count_entries(cache);
}

// The token was made or changed: what was told of it before counts no more, if it was told before.
static void apply_news(struct gw_auth_cache *cache, const struct db_event *event) {
    struct gw_auth_entry *entry = gw_auth_table_find(&cache->table, event->digest);
    bool is_cleared = is_final(entry) && event->seq > entry->event_seq &&
                      (event->kind == DB_EVENT_TOKEN_CREATED || entry->kind == GW_AUTH_ENTRY_ENDED);
    if (is_cleared)
        gw_auth_table_remove(&cache->table, entry);
    gw_auth_cache_forget(cache, event->digest);
}

void gw_auth_cache_apply(struct gw_auth_cache *cache, const struct db_event *event) {
    cache->metrics->events_applied_total++;
    switch (event->kind) {
    case DB_EVENT_TOKEN_REVOKED:
        gw_auth_cache_revoke(cache, event->digest, event->seq);
        break;
    case DB_EVENT_ORG_CHANGED:
        hear_of_org(cache, event->org_id);
        gw_auth_table_remove_org(&cache->table, event->org_id);
        count_entries(cache);
        break;
    case DB_EVENT_TOKEN_CREATED:
    case DB_EVENT_TOKEN_CHANGED:
    default:
        if (event->is_ended)
            gw_auth_cache_end(cache, event->digest, event->seq);
        else
            apply_news(cache, event);
    }
}

void gw_auth_cache_forget_all(struct gw_auth_cache *cache) {
    cache->own_seq = 0; // the log may be an older one
    hear_of_anything(cache);
    gw_auth_table_clear(&cache->table);
    count_entries(cache);
}

void gw_auth_cache_destroy(struct gw_auth_cache *cache) {
    if (cache == NULL)
        return;
    gw_assert(gw_list_is_empty(&cache->flights));
    gw_table_clear(&cache->flights_by_digest);
    gw_auth_table_deinit(&cache->table);
    gw_known_tokens_deinit(&cache->known);
    free(cache);
}
