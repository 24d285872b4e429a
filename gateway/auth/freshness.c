// SPDX-License-Identifier: MIT
#include "gateway/auth/freshness.h"

#include "db/events.h"
#include "gateway/auth/table.h"

uint64_t gw_freshness_heard_ms(const struct gw_freshness *freshness) {
    return freshness->events != NULL ? db_events_heard_ms(freshness->events) : 0;
}

void gw_freshness_note_log(struct gw_freshness *freshness) {
    if (freshness->followed_ms == 0)
        freshness->followed_ms = gw_freshness_heard_ms(freshness);
}

void gw_freshness_note_own(struct gw_freshness *freshness, uint64_t event_seq) {
    if (event_seq > freshness->own_seq)
        freshness->own_seq = event_seq;
}

void gw_freshness_forget_own(struct gw_freshness *freshness) {
    freshness->own_seq = 0;
}

uint64_t gw_freshness_newest_seq(const struct gw_freshness *freshness) {
    uint64_t applied_seq = freshness->events != NULL ? db_events_applied_seq(freshness->events) : 0;
    return applied_seq > freshness->own_seq ? applied_seq : freshness->own_seq;
}

// The log is followed from its newest row on, so it lacks the changes between an earlier lookup and
// that row.
static bool is_covered_by_log(const struct gw_freshness *freshness,
                              const struct gw_auth_entry *entry) {
    return freshness->followed_ms != 0 && entry->verified_ms > freshness->followed_ms;
}

// Until when the entry counts as true: the last read of the log, or its lookup if that was before
// the log was followed. A later lookup does not prolong it: a revoke with `?wait=` reckons with the
// last sign of life of this process. 0: the log was never read, and no revoke waits for this
// process.
static uint64_t known_until_ms(const struct gw_freshness *freshness,
                               const struct gw_auth_entry *entry) {
    uint64_t until_ms = gw_freshness_heard_ms(freshness);
    return is_covered_by_log(freshness, entry) || until_ms < entry->verified_ms
               ? until_ms
               : entry->verified_ms;
}

bool gw_freshness_is_log_heard(const struct gw_freshness *freshness, uint64_t now_ms) {
    return gw_age_ms(now_ms, gw_freshness_heard_ms(freshness)) < freshness->lease_ms;
}

// The lease holds for new entries too: a revoke with `?wait=` stops waiting for a gateway whose
// heartbeat is older.
bool gw_freshness_may_answer(const struct gw_freshness *freshness,
                             const struct gw_auth_entry *entry, uint64_t now_ms) {
    return gw_age_ms(now_ms, entry->verified_ms) < entry->fresh_ms &&
           is_covered_by_log(freshness, entry) && gw_freshness_is_log_heard(freshness, now_ms);
}

bool gw_freshness_may_decide(const struct gw_freshness *freshness, uint64_t now_ms) {
    uint64_t heard_ms = gw_freshness_heard_ms(freshness);
    return heard_ms != 0 && (gw_freshness_is_log_heard(freshness, now_ms) ||
                             gw_age_ms(now_ms, heard_ms) < freshness->stale_read_ms);
}

uint64_t gw_freshness_stale_limit_ms(const struct gw_freshness *freshness, enum gw_scope scope) {
    return scope == GW_SCOPE_READ    ? freshness->stale_read_ms
           : scope == GW_SCOPE_WRITE ? freshness->stale_write_ms
                                     : 0;
}

bool gw_freshness_may_answer_stale(const struct gw_freshness *freshness,
                                   const struct gw_auth_entry *entry, enum gw_scope scope,
                                   uint64_t now_ms) {
    uint64_t until_ms = known_until_ms(freshness, entry);
    return entry->kind == GW_AUTH_ENTRY_LIVE && until_ms != 0 &&
           gw_age_ms(now_ms, until_ms) < gw_freshness_stale_limit_ms(freshness, scope);
}

uint32_t gw_freshness_spread(struct gw_freshness *freshness, uint64_t ttl_ms) {
    freshness->jitter = freshness->jitter * 1664525U + 1013904223U;
    if (ttl_ms > UINT32_MAX)
        ttl_ms = UINT32_MAX;
    uint64_t fifth = ttl_ms / 5;
    return (uint32_t)(ttl_ms - (fifth * (freshness->jitter >> 16) >> 16));
}
