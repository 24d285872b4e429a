// SPDX-License-Identifier: MIT
#pragma once
// What this process knows about tokens, keyed by the SHA-256 of the secret. It asks the database
// only for what it does not know, once for a digest however many requests wait, and forgets what an
// event of the log says has changed.
//
// Four kinds of entry: live (the row), absent (looked up, not there; short-lived), revoked and
// ended (by an event). The last two keep the number of their event, and only a later event clears
// them: the token was made (again), or, of an ended one, changed; no answer of a lookup does. Ended
// is a token that had expired when it was changed, whatever our clock says of it. Live entries and
// the others have separate budgets, so that a flood of bad tokens cannot evict good ones.
//
// When an entry may answer: it is *fresh* for its time to live (with jitter) while the event log is
// read, because a change would have arrived as an event; past three quarters of it a used entry is
// looked up again in the background, so that no request of a busy token waits. When the log was
// not read for the freshness lease, or the entry is from before it was followed, the database is
// asked every time, once for all waiting questions. If the database cannot be asked, live entries
// go on for a bounded time by the scope that the route needs (stale policy: read, write; admin
// never), counted from the last read of the log. Nothing else ever answers from an outage: the
// answer is unknown. So memory decides for the longest of these three times after
// db_events_heard_ms and no longer: a revoke that waits for every gateway reckons with it
// (db/events.h).
//
// A late *yes* never overtakes a *no*: a lookup that was on its way when an event for its digest
// came is sent again. So is one that a standby answered which has not replayed all events that were
// applied here when it was sent. The answer of a standby that has is as old as the last read of the
// log, and counts like an entry of that moment: during the lease, then by the stale policy.

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/list.h"
#include "base/status.h"
#include "db/lookup.h"
#include "gateway/auth/cache_changes.h"
#include "gateway/auth/cache_options.h"
#include "gateway/exchange/report.h"
#include "token/scope.h"

struct db_events;
struct db_events_consumer;
struct db_pool;
struct gw_metrics;

enum gw_auth_answer {
    GW_AUTH_LIVE,    // with the row; expiry, organisation and scope are the caller's to judge
    GW_AUTH_ABSENT,  // unknown, revoked, or of a deleted organisation
    GW_AUTH_UNKNOWN, // cannot be known now
    GW_AUTH_UNSEEN,  // not known to be live, and the question was for that alone
    GW_AUTH_PENDING  // on_answer follows
};

// By what tokens can be decided now.
enum gw_auth_means {
    GW_AUTH_BY_DATABASE,
    GW_AUTH_BY_MEMORY,  // known tokens, while the database is away
    GW_AUTH_BY_NOTHING, // the database is away, and no token is known
    GW_AUTH_TOO_LATE    // the same, and what is known is older than the stale policy lets it be
};

// One question; embedded by its owner, and must stay until answered or cancelled.
struct gw_auth_question {
    struct gw_list link; // the cache's
    char prefix[GW_TOKEN_PREFIX_LENGTH];
    unsigned char digest[DB_DIGEST_LENGTH];
    enum gw_scope scope; // that the route needs: for the stale policy
    bool is_for_known;   // the client may cause no lookup, except for a token that was live
    enum gw_report_source source; // of the answer, once there is one
    // From the loop, once. `row` (GW_AUTH_LIVE) is valid during the call.
    void (*on_answer)(struct gw_auth_question *question, enum gw_auth_answer answer,
                      const struct db_token_row *row);
};

enum gw_status gw_auth_cache_create(uv_loop_t *loop, const struct gw_auth_cache_options *options,
                                    struct db_pool *pool, struct db_lookups *lookups,
                                    struct gw_metrics *metrics,
                                    struct gw_auth_cache **cache) GW_MUST_USE;
// What the event log calls (db_events_create): each change is applied here.
struct db_events_consumer *gw_auth_cache_consumer(struct gw_auth_cache *cache);
// The log that has this consumer; without one no entry is fresh. Once, before the first question.
void gw_auth_cache_follow(struct gw_auth_cache *cache, const struct db_events *events);
// One at a time; NULL: the watcher has gone.
void gw_auth_cache_watch(struct gw_auth_cache *cache, struct gw_auth_watcher *watcher);
// Closes its handle; it may still be asked.
void gw_auth_cache_close(struct gw_auth_cache *cache);
// When the loop has ended, after the lookups were closed: that ended every one.
void gw_auth_cache_destroy(struct gw_auth_cache *cache);

// For readiness: says nothing of a single token.
enum gw_auth_means gw_auth_cache_means(const struct gw_auth_cache *cache);

// Answers at once where it can; then on_answer is not called and *row (GW_AUTH_LIVE) is valid until
// the next call on the cache.
enum gw_auth_answer gw_auth_cache_ask(struct gw_auth_cache *cache,
                                      struct gw_auth_question *question,
                                      struct db_token_row *row) GW_MUST_USE;
// `heir` gets the answer in place of `question`, which is pending: a copy of it with an on_answer
// of its own.
void gw_auth_cache_hand_over(struct gw_auth_question *question, struct gw_auth_question *heir);
// Harmless when answered or never asked (link initialised).
void gw_auth_cache_cancel(struct gw_auth_question *question);
