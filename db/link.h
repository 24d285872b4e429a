// SPDX-License-Identifier: MIT
#pragma once
// One connection that keeps itself up: each connection of the pool (db/pool.h), and the listener's
// (db/events.h). It connects, and again after each failure, gives up on a silent server, and has
// its owner log each distinct reason of an outage once.
//
// It connects in rounds: it waits a moment for the names of the URL to be looked up, then tries one
// address after the other (db/hosts.h), each with a time-out of its own; after a round without
// success it pauses (backoff with jitter). Another URL counts from the next attempt on.
//
// The owner embeds struct db_link and gets back to itself with gw_container_of. Events fire from
// the loop; on_down and log_down also from db_link_send, db_link_flush and db_link_read. An event
// may call anything here. What was sent in an event leaves when it returns.

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/list.h"
#include "base/status.h"
#include "db/conn.h"
#include "db/hosts.h"
#include "db/once.h"
#include "db/query.h"
#include "db/url.h"

struct db_link;

struct db_link_events {
    void (*on_ready)(struct db_link *link);
    // The answer to `query`, which is off every list. `result` is NULL unless GW_OK; `error` is the
    // server's, else NULL.
    void (*on_answer)(struct db_link *link, struct db_query *query, enum gw_status status,
                      const PGresult *result, const PGresult *error);
    void (*on_notify)(struct db_link *link); // may be NULL
    // Queries without an answer are on link->conn.in_flight; those that the owner leaves there are
    // taken off, and have no answer.
    void (*on_down)(struct db_link *link, bool was_up);
    // The time of db_link_tick_at has come, and the link is up. May be NULL without ticks.
    void (*on_tick)(struct db_link *link);
    // After db_link_close: the memory is the owner's.
    void (*on_closed)(struct db_link *link);
    // What goes to the log: an outage for a reason that is not there yet, and its end.
    void (*log_down)(struct db_link *link, const char *reason);
    void (*log_up)(struct db_link *link);
};

struct db_link_options {
    const char *url; // copied
    uint64_t query_timeout_ms;
    uint64_t connect_timeout_ms; // of one attempt; less for the first of several addresses
    const struct db_statement *const *statements;
    int statement_count;
    struct db_role_check *role_check; // db/role_check.h; lives as long as the target. NULL: none
};

// An outage for a reason that the log has already is another one only when no attempt has failed
// for so long.
#define GW_DB_LINK_QUIET_MS 10000
// The addresses that are known from before are used when a lookup takes longer.
#define GW_DB_LOOKUP_PAUSE_MS 200

// What a URL says, with the addresses behind it.
struct db_link_servers {
    struct db_url url;
    struct db_hosts hosts;
    struct db_link_target *target; // NULL: those of another URL have taken their place
};

// What the links of one owner share. It lives longer than they do.
struct db_link_target {
    struct db_link_servers *servers;
    unsigned url_number;    // of those that were used so far
    struct gw_list waiting; // links, for hosts
    void (*on_closed)(struct db_link_target *target);
    struct db_conn_statements statements;
    uint64_t query_timeout_ms;
    uint64_t connect_timeout_ms;
    char last_reason[DB_CONN_REASON_LENGTH]; // empty: a link was up after the last failure
    bool was_reached;                        // the server, in the attempt of last_reason
    struct db_once logged;                   // reasons of this outage
    uint64_t failed_ms;                      // the last failure; 0: none
    bool is_down_logged;                     // and its end is not
};

struct db_link {
    struct db_conn conn;
    struct db_link_target *target;
    const struct db_link_events *events;
    uv_timer_t timer;
    uint64_t timer_due_ms; // UINT64_MAX: not running
    bool is_timer_closed;
    bool is_closing;
    uint64_t tick_ms;  // READY: when to call on_tick
    uint64_t due_ms;   // DOWN: when to connect; CONNECTING, PREPARING: when to give up
    uint64_t ready_ms; // since when it is READY
    bool is_up;        // on_ready was called, and on_down not since
    bool is_refused;   // db_link_fail ended it, not the server
    bool is_silent;    // the server did not answer, and so it was ended
    int rounds;        // failed in a row
    struct db_round round;
    unsigned url_number;                // of the target, when the round was planned
    uint32_t address_key;               // of the attempt
    uint64_t attempt_ms;                // when it began
    bool was_reached;                   // the server, in this round
    char reason[DB_CONN_REASON_LENGTH]; // what failed in this round
    struct gw_list waiting;             // of the target
    uint64_t waiting_ms;                // since when; 0: it does not wait for hosts
};

// GW_INVALID: the URL (db/url.h). GW_NO_MEMORY. Then nothing is open.
enum gw_status db_link_target_open(struct db_link_target *target, uv_loop_t *loop,
                                   const struct db_link_options *options) GW_MUST_USE;
// Connections that are made from now on, and attempts, are by this URL; those that are there stay.
// GW_INVALID: it is malformed; GW_NO_MEMORY. Then nothing has changed. Never from an event.
enum gw_status db_link_target_use(struct db_link_target *target, const char *url) GW_MUST_USE;
// Its links are closing or closed. on_closed may come inside, and then the memory is the owner's.
void db_link_target_close(struct db_link_target *target,
                          void (*on_closed)(struct db_link_target *target));

// Connects in the next turn of the loop.
void db_link_open(struct db_link *link, uv_loop_t *loop, struct db_link_target *target,
                  const struct db_link_events *events);
// Without on_down: queries without an answer will have none. Once.
void db_link_close(struct db_link *link);

static inline bool db_link_is_up(const struct db_link *link) {
    return link->is_up;
}
static inline uv_loop_t *db_link_loop(const struct db_link *link) {
    return link->conn.socket.loop;
}
// Statements on their way, with those that were cancelled.
static inline int db_link_load(const struct db_link *link) {
    return link->conn.slot_count;
}
// False: it is down, or DB_CONN_IN_FLIGHT_MAX queries are on their way.
static inline bool db_link_has_room(const struct db_link *link) {
    return link->is_up && db_conn_has_room(&link->conn);
}
// The link has room. The bytes leave with db_link_flush, or when the event returns.
void db_link_send(struct db_link *link, struct db_query *query);
// For what was sent outside of an event.
void db_link_flush(struct db_link *link);
// Takes what has arrived without waiting for the loop to say so. The link is up.
void db_link_read(struct db_link *link);
// The link is up; on_down fires here.
void db_link_fail(struct db_link *link, const char *reason);
// A sign that the server can be reached: the pause before the next attempt to connect is over.
void db_link_hurry(struct db_link *link);
// When on_tick is next to be called, by uv_now; each call counts for one, and replaces the one
// before.
void db_link_tick_at(struct db_link *link, uint64_t tick_ms);
