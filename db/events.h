// SPDX-License-Identifier: MIT
#pragma once
// The ordered log of changes, as this gateway hears it. Every change of a token or an organisation writes a row to
// skillreg.token_event in its own transaction, under a lock that makes the order of the numbers that of the commits, then notifies. Here one
// connection of its own (LISTEN needs a session; behind a transaction pooler give it a direct URL) asks for all rows after the last applied one:
// when notified, every poll interval, and after each reconnect. So a lost notification costs one interval, an
// outage nothing but time. Events come in order, each once.
//
// The same connection publishes what this gateway has applied (skillreg.gateway: id, applied_seq, seen_at): at every poll and at once after
// events were applied, so that whoever revoked a token can wait until every live gateway has heard it.

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/list.h"
#include "base/status.h"
#include "base/str.h"

enum db_event_kind {
    DB_EVENT_TOKEN_CREATED = 1, // also imported
    DB_EVENT_TOKEN_REVOKED = 2,
    DB_EVENT_TOKEN_CHANGED = 3, // expiry or limits: look it up again
    DB_EVENT_ORG_CHANGED = 4    // deleted or renamed: every token of it
};

struct db_event {
    uint64_t seq;
    enum db_event_kind kind;
    unsigned char digest[32]; // of the token; zero for DB_EVENT_ORG_CHANGED
    struct gw_str org_id;
};

// Embedded by the consumer. Both fire from the loop, and may call anything here. The answer to a lookup that was sent before
// such an event, before a gap, or before db_events_heard_ms was first set, may be older than it: not to be kept.
struct db_events_consumer {
    void (*on_event)(struct db_events_consumer *consumer, const struct db_event *event);
    // The log does not reach back to the last applied row (this gateway was away longer than it is kept), or is an older one (a
    // restored database): everything known may be outdated. Events go on from the newest.
    void (*on_gap)(struct db_events_consumer *consumer);
};

struct db_events_options {
    const char *url;           // copied
    const char *gateway_id;    // unique per process, 1 to 100 bytes; copied
    uint64_t poll_interval_ms; // 1000; more than a fifth of DB_GATEWAY_LIVE_MS counts as that
    uint64_t query_timeout_ms; // an unanswered poll: the connection is replaced
    uint64_t connect_timeout_ms;
};

struct db_events;

// GW_INVALID: libpq cannot read the URL, or the id is too long. GW_NO_MEMORY. Starts without the database and connects
// by itself, as the pool does.
enum gw_status db_events_create(uv_loop_t *loop, const struct db_events_options *options,
                                struct db_events_consumer *consumer,
                                struct db_events **events) GW_MUST_USE;
// Ends waits as GW_UNAVAILABLE. The gateway's row is left to grow old: it counts as live for DB_GATEWAY_LIVE_MS more, unless
// db_events_leave was called before. Frees once the handles have closed.
void db_events_close(struct db_events *events);
// Deletes this gateway's row (a drain has begun: nobody need wait for us). Best effort.
void db_events_leave(struct db_events *events);

// Every event up to this one was handed to the consumer.
uint64_t db_events_applied_seq(const struct db_events *events);
// uv_now at which the last poll that was answered whole had been sent: all that was committed before it is applied. 0: never
// yet. From then on this gateway has a row, refreshed every two seconds at the most while it hears, and those who wait for
// everybody wait for it too, until the row is DB_GATEWAY_LIVE_MS old: who trusts what he knows for more than 3 seconds
// after he last heard may act on what others were told is gone everywhere. (A crash of the server empties the table, too: for
// the seconds until all have connected again.)
uint64_t db_events_heard_ms(const struct db_events *events);

// ---- waiting for everybody ---------------------------------------------------------------------------------------
// A gateway whose row was not refreshed for this long is not waited for.
#define DB_GATEWAY_LIVE_MS 5000

struct db_events_wait {
    struct gw_list link; // the events'
    uint64_t seq;
    uint64_t deadline_ms;
    // GW_OK: every live gateway has applied `seq`; `count` says how many. GW_TIMED_OUT: `count` have not. GW_UNAVAILABLE: cannot know.
    // Never inside db_events_wait_applied.
    void (*on_done)(struct db_events_wait *wait, enum gw_status status, int count);
};
void db_events_wait_applied(struct db_events *events, struct db_events_wait *wait, uint64_t seq,
                            uint64_t timeout_ms);
// Harmless when done or never started (link initialised).
void db_events_cancel_wait(struct db_events_wait *wait);
