// SPDX-License-Identifier: MIT
#pragma once
// What this process knows about tokens, keyed by the SHA-256 of the secret. Asks the database only
// for what it does not know, once per digest however many requests wait, and forgets what the event
// log tells it to.
//
// Four kinds of entry: live (the row), absent (looked up, not there; short-lived), revoked and
// ended (heard of). Those two keep the number of the event that told of them, and only a later one
// clears them: that the token was made (again), or, of an ended one, changed; no answer does. Ended
// is a token that had expired when it was changed, whatever our clock says of it. Live and the
// others have separate budgets, so that a flood of bad tokens cannot evict good ones.
//
// When an entry may answer: it is *fresh* for its time to live (with jitter) while the event log is
// heard, because a change would have been told; past three quarters of it a used entry is looked up
// again in the background, so that no request of a busy token waits. When the log has not been
// heard for the freshness lease, or the entry is from before it was followed, the database is asked
// every time, once for all who wait. If the database cannot be asked, live entries go on for a
// bounded time by the scope that the route needs (stale policy: read, write; admin never), counted
// from the last moment at which the log was heard. Nothing else ever answers from an outage: the
// answer is unknown. So memory decides for the longest of these three times after
// db_events_heard_ms and no longer: a revoke that waits for every gateway reckons with it
// (db/events.h).
//
// A late *yes* never overtakes a *no*: a lookup that was on its way when an event for its digest
// came is asked again. So is an answer of a standby that has not replayed all events applied here
// when it was asked; one that has tells what was true when the log was last heard, no later, and
// counts like an entry of that moment: during the lease, then by the stale policy.

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/list.h"
#include "base/status.h"
#include "db/lookup.h"
#include "token/scope.h"

struct db_event;
struct db_events;
struct db_pool;
struct gw_auth_cache;
struct gw_metrics;

struct gw_auth_cache_options {
    uint32_t entries_max;          // live ones; 0: nothing is kept but which tokens were live
    uint32_t negative_entries_max; // absent and revoked
    uint64_t ttl_ms;
    uint64_t negative_ttl_ms;
    uint64_t lease_ms;
    uint64_t stale_read_ms;
    uint64_t stale_write_ms;
};

enum gw_auth_answer {
    GW_AUTH_LIVE,    // with the row; expiry, organisation and scope are the caller's to judge
    GW_AUTH_ABSENT,  // unknown, revoked, or of a deleted organisation
    GW_AUTH_UNKNOWN, // cannot be known now
    GW_AUTH_UNSEEN,  // not known to be live, and the question was for that alone
    GW_AUTH_PENDING  // on_answer follows
};

// One question; embedded by whoever asks, and must stay until answered or cancelled.
struct gw_auth_question {
    struct gw_list link; // the cache's
    char prefix[GW_TOKEN_PREFIX_LENGTH];
    unsigned char digest[DB_DIGEST_LENGTH];
    enum gw_scope scope; // that the route needs: for the stale policy
    bool is_for_known;   // no lookup but for a token that was live: who asks may not cause more
    // From the loop, once. `row` (GW_AUTH_LIVE) is valid during the call.
    void (*on_answer)(struct gw_auth_question *question, enum gw_auth_answer answer,
                      const struct db_token_row *row);
};

// Told of all news, whichever way they came (the log, a change through this process), because
// whoever acted on what was known before may have to stop. May not ask the cache inside.
struct gw_auth_watcher {
    void (*on_token)(struct gw_auth_watcher *watcher, const unsigned char digest[DB_DIGEST_LENGTH]);
    void (*on_org)(struct gw_auth_watcher *watcher, struct gw_str org_id);
    void (*on_all)(struct gw_auth_watcher *watcher);
};

enum gw_status gw_auth_cache_create(uv_loop_t *loop, const struct gw_auth_cache_options *options,
                                    struct db_pool *pool, struct db_lookups *lookups,
                                    struct gw_metrics *metrics,
                                    struct gw_auth_cache **cache) GW_MUST_USE;
// Whose log to go by; without one nothing counts as heard. Set before the first question.
void gw_auth_cache_follow(struct gw_auth_cache *cache, const struct db_events *events);
// One at a time; NULL: nobody any more.
void gw_auth_cache_watch(struct gw_auth_cache *cache, struct gw_auth_watcher *watcher);
// After the lookups were closed: that ended every one.
void gw_auth_cache_destroy(struct gw_auth_cache *cache);

// Answers at once where it can; then on_answer is not called and *row (GW_AUTH_LIVE) is valid until
// the next call on the cache.
enum gw_auth_answer gw_auth_cache_ask(struct gw_auth_cache *cache,
                                      struct gw_auth_question *question,
                                      struct db_token_row *row) GW_MUST_USE;
// Harmless when answered or never asked (link initialised).
void gw_auth_cache_cancel(struct gw_auth_question *question);

// The log's news.
void gw_auth_cache_apply(struct gw_auth_cache *cache, const struct db_event *event);
// The token was revoked through this process: from here on it is refused, whatever is still on its
// way. `event_seq` is the number of the event that tells of it, by which a standby is known that
// does not know yet; 0: not known.
void gw_auth_cache_revoke(struct gw_auth_cache *cache, const unsigned char digest[DB_DIGEST_LENGTH],
                          uint64_t event_seq);
// It was given an end that has come, through this process: refused as a revoked one is.
void gw_auth_cache_end(struct gw_auth_cache *cache, const unsigned char digest[DB_DIGEST_LENGTH],
                       uint64_t event_seq);
// It was changed through this process: what is known of it is outdated.
void gw_auth_cache_forget(struct gw_auth_cache *cache,
                          const unsigned char digest[DB_DIGEST_LENGTH]);
// Everything known may be outdated.
void gw_auth_cache_forget_all(struct gw_auth_cache *cache);
