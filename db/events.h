// SPDX-License-Identifier: MIT
#pragma once
// The listener: the ordered log of changes, as this gateway follows it. Every change of a token or
// an organisation writes a row to skillreg.token_event in its own transaction, under a lock that
// makes the order of the numbers that of the commits, then notifies. The listener has a connection
// of its own (LISTEN needs a session; behind a transaction pooler give it a direct URL) and asks
// for all rows after the last applied one: when notified, every poll interval, and after each
// reconnect. A lost notification costs one interval, an outage only time. Events come in order,
// each once.
//
// The same connection makes this process a member (skillreg.gateway_member, logged) and publishes
// what it has applied (skillreg.gateway, the heartbeats): at every poll, and at once after events
// were applied. So a revocation can wait until every gateway has applied its event, or can no
// longer act on what it knew before. db/sql/0007_gateways.sql has the rules.

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/status.h"
#include "db/event.h"

#define GW_EVENTS_POLL_MS 1000

struct db_pool;

struct db_events_options {
    const char *url;        // copied
    const char *gateway_id; // unique per process, 1 to 100 bytes; copied
    // Where a supervisor starts this process again, and only after its end: the member that was
    // there before has ended. At most 100 bytes, copied; NULL: without a supervisor.
    const char *slot;
    uint64_t stale_ms; // how long the consumer acts on what it knows after db_events_heard_ms
    uint64_t poll_interval_ms; // 1000; more than a fifth of DB_GATEWAY_LIVE_MS counts as that
    uint64_t query_timeout_ms; // after an unanswered poll the connection is replaced
    uint64_t connect_timeout_ms;
    struct db_role_check *role_check; // db/role_check.h; lives as long as this. NULL: none
    // Told when the connection is up, so that those of the pool may be had again, and when its
    // server is silent. Lives as long as this. NULL: none.
    struct db_pool *pool;
};

struct db_events;

// GW_INVALID: libpq cannot read the URL, or the id is too long. GW_NO_MEMORY. Starts without the
// database and connects by itself, as the pool does.
enum gw_status db_events_create(uv_loop_t *loop, const struct db_events_options *options,
                                struct db_events_consumer *consumer,
                                struct db_events **events) GW_MUST_USE;
// Another URL, as db_pool_use_url.
enum gw_status db_events_use_url(struct db_events *events, const char *url) GW_MUST_USE;
// Ends waits as GW_UNAVAILABLE. Unless db_events_leave was called before, this process stays a
// member: revocations wait for it until its stale time has passed. Frees once the handles have
// closed.
void db_events_close(struct db_events *events);

struct db_events_departure {
    // From the loop, once, and then the database has confirmed it; never after db_events_close.
    void (*on_left)(struct db_events_departure *departure);
};
// Ends the membership: the drain is over, nothing is decided here any more. False: this process
// never became a member, and on_left does not follow. While the database is away, each new
// connection tries it again.
bool db_events_leave(struct db_events *events, struct db_events_departure *departure);

// Every event up to this one was handed to the consumer.
uint64_t db_events_applied_seq(const struct db_events *events);
// uv_now when the last fully answered poll was sent: all that was committed before it is applied.
// 0: never yet. Membership was committed before that, and a heartbeat at most
// DB_GATEWAY_HEARD_AHEAD_MS earlier. A revocation waits for this process until options.stale_ms and
// DB_GATEWAY_SLACK_MS have passed since its last heartbeat: act on memory for options.stale_ms
// after this moment at the most, and never while it is 0.
uint64_t db_events_heard_ms(const struct db_events *events);

// ---- waiting until every gateway has applied an event ----
void db_events_wait_applied(struct db_events *events, struct db_events_wait *wait, uint64_t seq,
                            uint64_t timeout_ms);
// Harmless when done or never started (link initialised).
void db_events_cancel_wait(struct db_events_wait *wait);
