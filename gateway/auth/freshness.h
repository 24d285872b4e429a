// SPDX-License-Identifier: MIT
#pragma once
// How long an entry of the cache may answer, by the event log: gateway/auth/cache.h has the rules.
// Times are those of uv_now.

#include <stdbool.h>
#include <stdint.h>

#include "token/scope.h"

struct db_events;
struct gw_auth_entry;

struct gw_freshness {
    const struct db_events *events; // NULL: the log was never read
    uint64_t followed_ms;           // first moment at which the log was read; 0: not yet
    uint64_t own_seq;               // the newest event of a revocation through this process
    uint64_t lease_ms;
    uint64_t stale_read_ms;
    uint64_t stale_write_ms;
    uint32_t jitter; // state of a small generator: spread, not secrecy
};

static inline uint64_t gw_age_ms(uint64_t now_ms, uint64_t then_ms) {
    return now_ms > then_ms ? now_ms - then_ms : 0;
}

// When the log was last read; 0: never.
uint64_t gw_freshness_heard_ms(const struct gw_freshness *freshness);
// Before an entry is judged: the log counts as followed from the first call at which it was read.
void gw_freshness_note_log(struct gw_freshness *freshness);

// This process made a change itself, and the log has its event at `event_seq`.
void gw_freshness_note_own(struct gw_freshness *freshness, uint64_t event_seq);
// The log may be an older one, in which those numbers mean other events.
void gw_freshness_forget_own(struct gw_freshness *freshness);
// The newest change known to this process, by the log or because it made it.
uint64_t gw_freshness_newest_seq(const struct gw_freshness *freshness);

// Within the lease: a change would have arrived as an event.
bool gw_freshness_is_log_heard(const struct gw_freshness *freshness, uint64_t now_ms);
bool gw_freshness_may_answer(const struct gw_freshness *freshness,
                             const struct gw_auth_entry *entry, uint64_t now_ms);
// Without the database, for a route that needs `scope`.
bool gw_freshness_may_answer_stale(const struct gw_freshness *freshness,
                                   const struct gw_auth_entry *entry, enum gw_scope scope,
                                   uint64_t now_ms);
// A token that was known could be let in without the database: within the lease, or to read.
bool gw_freshness_may_decide(const struct gw_freshness *freshness, uint64_t now_ms);
// For so long a row that was true once may let requests for `scope` pass; 0 for admin.
uint64_t gw_freshness_stale_limit_ms(const struct gw_freshness *freshness, enum gw_scope scope);
// `ttl_ms` less up to a fifth, so that entries made together do not expire together.
uint32_t gw_freshness_spread(struct gw_freshness *freshness, uint64_t ttl_ms);
