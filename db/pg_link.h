// SPDX-License-Identifier: MIT
#pragma once
// One connection that keeps itself up, for those who need a session of their own (db/pool.h is for
// all others): it connects, and again after each failure (backoff with jitter), gives up on a
// server that is silent, and says in the log once per distinct reason when it is down. Between
// failures its owner sends queries and gets their answers.
//
// The owner embeds struct db_link. Events fire from the loop, and on_down also from db_link_send
// and db_link_flush; an event may call anything here. What was sent in an event leaves when it
// returns.

#include <stdbool.h>
#include <uv.h>

#include "base/status.h"
#include "db/pg_conn.h"
#include "db/pg_url.h"
#include "db/query.h"

struct db_link;

struct db_link_events {
    void (*on_ready)(struct db_link *link);
    // The answer to `query`, which is off every list. `result` is NULL unless GW_OK; `error` is the
    // server's, else NULL.
    void (*on_answer)(struct db_link *link, struct db_query *query, enum gw_status status,
                      const PGresult *result, const PGresult *error);
    void (*on_notify)(struct db_link *link);
    // Queries without an answer will have none, and are off every list.
    void (*on_down)(struct db_link *link);
    // The time of db_link_tick_at has come, and the link is up.
    void (*on_tick)(struct db_link *link);
    // After db_link_close: the memory is the owner's.
    void (*on_closed)(struct db_link *link);
};

struct db_link_options {
    const char *url;  // copied
    const char *name; // in log lines, static storage
    uint64_t query_timeout_ms;
    uint64_t connect_timeout_ms; // of one attempt as a whole
    const struct db_statement *const *statements;
    int statement_count;
    struct db_role_check *role_check; // db/role_check.h; lives as long as the link. NULL: none
};

struct db_link {
    struct db_conn conn;
    const struct db_link_events *events;
    struct db_link_options options;
    struct db_url url;
    struct db_conn_statements statements;
    uv_timer_t timer;
    bool is_timer_closed;
    bool is_closing;
    uint64_t tick_ms;    // READY: when to call on_tick
    uint64_t due_ms;     // DOWN: when to connect; CONNECTING, PREPARING: when to give up
    uint64_t ready_ms;   // since when it is READY; 0: it is not
    int attempts;        // failed in a row
    unsigned first_host; // of the URL, to be tried first
    char last_reason[DB_CONN_REASON_LENGTH]; // logged already; empty: connected
};

// Connects in the next turn of the loop. GW_INVALID: libpq cannot read the URL. GW_NO_MEMORY.
enum gw_status db_link_open(struct db_link *link, uv_loop_t *loop,
                            const struct db_link_options *options,
                            const struct db_link_events *events) GW_MUST_USE;
// Queries without an answer will have none. Once.
void db_link_close(struct db_link *link);

static inline bool db_link_is_up(const struct db_link *link) {
    return link->conn.state == DB_CONN_READY;
}
static inline uv_loop_t *db_link_loop(const struct db_link *link) {
    return link->conn.loop;
}
// Nothing happens when the link is down or has DB_CONN_IN_FLIGHT_MAX queries on their way, or this
// one.
void db_link_send(struct db_link *link, struct db_query *query);
// For what was sent outside of an event.
void db_link_flush(struct db_link *link);
// Somebody has reached the server: the pause before the next attempt to connect is over.
void db_link_hurry(struct db_link *link);
// When on_tick is next to be called, by uv_now; each call counts for one, and replaces the one
// before.
void db_link_tick_at(struct db_link *link, uint64_t tick_ms);
