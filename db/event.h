// SPDX-License-Identifier: MIT
#pragma once
// The values of db/events.h: a change, which its consumer is handed, and how far a change has got,
// which a caller can wait for.

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/status.h"
#include "base/str.h"

// ---- changes ----

enum db_event_kind {
    DB_EVENT_TOKEN_CREATED = 1, // also imported
    DB_EVENT_TOKEN_REVOKED = 2,
    DB_EVENT_TOKEN_CHANGED = 3, // expiry or limits: look it up again
    DB_EVENT_ORG_CHANGED = 4,   // deleted or renamed: every token of it
    DB_EVENT_ISSUER_CHANGED = 5 // its keys (db/issuer_keys.h)
};

struct db_event {
    uint64_t seq;
    enum db_event_kind kind;
    bool is_ended;      // of DB_EVENT_TOKEN_CHANGED: the token had expired by then
    int64_t written_us; // by the database's clock, shortly before it was committed; since 1970
    unsigned char digest[32]; // of the token; else zero
    struct gw_str org_id;     // of DB_EVENT_ISSUER_CHANGED: the issuer
};

// Embedded by the consumer. Both fire from the loop, and may call anything of db/events.h. The
// answer to a lookup that was sent before such an event, before a gap, or before db_events_heard_ms
// was first set, may be older than it, and must not be kept.
struct db_events_consumer {
    void (*on_event)(struct db_events_consumer *consumer, const struct db_event *event);
    // The log does not reach back to the last applied row (this gateway was away longer than the
    // log is kept), or is an older one (a restored database): everything known may be outdated.
    // Events go on from the newest.
    void (*on_gap)(struct db_events_consumer *consumer);
};

// ---- waiting for every gateway ----

#define DB_GATEWAY_LIVE_MS 5000 // a gateway with an older heartbeat is silent
#define DB_GATEWAY_HEARD_AHEAD_MS 1500
// Besides the stale time: DB_GATEWAY_HEARD_AHEAD_MS, a turn of the loop, clocks that differ in
// speed.
#define DB_GATEWAY_SLACK_MS 2000

// Which gateways have applied an event, and which may still act on what was before it.
struct db_events_reach {
    int applied;      // gateways that have
    int pending;      // live gateways that have not
    int silent;       // gateways that have not, as far as is known, and are silent
    int64_t until_ms; // of the database's clock: then pending and silent ones act on it no more
};

struct db_events_wait {
    struct gw_list link; // the waits'
    uint64_t seq;
    uint64_t deadline_ms;
    // GW_OK: every gateway has applied `seq`, except those past their stale time. GW_TIMED_OUT:
    // some have not. GW_UNAVAILABLE: unknown, and all of `reach` is 0: the database did not answer
    // in time. Never inside db_events_wait_applied.
    void (*on_done)(struct db_events_wait *wait, enum gw_status status,
                    const struct db_events_reach *reach);
};
