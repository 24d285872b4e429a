// SPDX-License-Identifier: MIT
#pragma once
// A few long-lived connections to PostgreSQL on the loop, in pipeline mode. The pool starts without
// the database, connects by itself (db/link.h), and loses only the statements that were in flight.
// Submitted queries go to the least busy connection, each followed by a Sync of its own, so that
// one error aborts no other; the queries of one loop turn leave in one write. Without room they
// wait in a bounded queue; past it, or past their deadline, they end as GW_UNAVAILABLE.
//
// Each kind of statement (db/query.h) has connections of its own, so that a lookup never stands
// behind a change that waits for a lock, nor a revocation behind last-used times that do. A
// connection for changes has one at a time; changes that queue behind waiting ones end as GW_BUSY
// after GW_DB_CHANGE_PATIENCE_MS. A change that ended in a deadlock is tried again. The transaction
// that a change waits for goes to the log and the statistics (db/blockers.h).

#include <stdbool.h>
#include <uv.h>

#include "base/status.h"
#include "db/blockers.h"
#include "db/query.h"

#define GW_DB_QUEUE_MAX 10000
#define GW_DB_CONNECT_TIMEOUT_MS 5000
// Statements that may wait for a lock (the server ends that after three seconds) have connections
// of their own.
#define GW_DB_CHANGE_CONNECTIONS 2
#define GW_DB_NOTE_CONNECTIONS 1
#define GW_DB_CHANGE_QUEUE_MAX 1000
#define GW_DB_EXPECTED_MS 1000
#define GW_DB_REPEAT_PAUSE_MS 30 // at most, before a change is tried again

struct db_pool;

struct db_pool_options {
    const char *url;        // libpq URI or conninfo, copied; several hosts allowed
    int connections;        // for reading; and for each kind below that has none of its own
    int change_connections; // for DB_STATEMENT_CHANGE
    int note_connections;   // for DB_STATEMENT_NOTE; with 0 they share those for changes
    int queue_max;
    uint64_t query_timeout_ms;
    uint64_t connect_timeout_ms;
    // Statements prepared on each new connection before it is ready; static storage. With
    // db_blockers_statement among them the pool finds the transactions that changes wait for.
    const struct db_statement *const *statements;
    int statement_count;
    struct db_role_check *role_check; // db/role_check.h; lives as long as the pool. NULL: none
};

// GW_INVALID: libpq cannot read the URL. GW_NO_MEMORY.
enum gw_status db_pool_create(uv_loop_t *loop, const struct db_pool_options *options,
                              struct db_pool **pool) GW_MUST_USE;
// Ends every query as GW_UNAVAILABLE, closes the connections, then calls on_closed (may be NULL)
// and frees the pool.
void db_pool_close(struct db_pool *pool, void (*on_closed)(struct db_pool *pool));

// GW_UNAVAILABLE: queue full or the pool is closing; GW_BUSY: full of changes, behind some that
// wait; what failed while the parameters were put. on_done will not be called.
enum gw_status db_pool_submit(struct db_pool *pool, struct db_query *query) GW_MUST_USE;
// on_done will not be called any more. A statement in flight still runs. Harmless for a query that
// is done, was refused, or was never started (all zero).
void db_pool_cancel(struct db_pool *pool, struct db_query *query);

// Sends what was submitted so far. The pool does so by itself before the loop sleeps; this is for
// queries that are submitted as late as that. Calls nothing back.
void db_pool_flush(struct db_pool *pool);

// Another URL, for the connections that are made from now on; those that are there stay.
// GW_INVALID: libpq cannot read it; GW_NO_MEMORY. Then nothing has changed. Not from a callback.
enum gw_status db_pool_use_url(struct db_pool *pool, const char *url) GW_MUST_USE;

// True when at least one connection for reading is up, with its statements prepared.
bool db_pool_is_ready(const struct db_pool *pool);

// True when it is ready, or expected to be at any moment: for GW_DB_EXPECTED_MS after its creation,
// after the last connection for reading was lost, and after db_pool_expect. A lookup waits for that
// long (db/lookup.h). Past it an outage is an outage.
bool db_pool_is_expected(const struct db_pool *pool);
// Until when.
uint64_t db_pool_expected_ms(const struct db_pool *pool);
// A sign that the server can be reached: connections that are down are made at once. The pool takes
// any of its own connections for one; the log of changes has another (db/events.h).
void db_pool_expect(struct db_pool *pool);
// A sign that the server at this address (db/hosts.h) is silent: idle connections to it end, so
// that no change or lookup finds out. From the same two.
void db_pool_suspect(struct db_pool *pool, uint32_t address_key);

// True when connections for reading are up and each has statements on its way already: a query that
// is submitted now waits behind them.
bool db_pool_is_busy(const struct db_pool *pool);

// Why there is no connection for reading, one line without a secret, and whether a server was
// reached at all; NULL while one is up or none has failed yet. Valid until the loop runs on.
const char *db_pool_trouble(const struct db_pool *pool, bool *is_reached);

struct db_pool_stats {
    int connections_ready;
    int queries_in_flight;
    int queries_queued;
    uint64_t queries_total;
    uint64_t queries_failed_total;
    uint64_t connects_total;
    uint64_t disconnects_total;
    uint64_t changes_busy_total; // of the kind CHANGE, ended as GW_BUSY
    uint64_t repeated_total;     // tried again
    struct db_blockers_stats locks;
};
void db_pool_stats(const struct db_pool *pool, struct db_pool_stats *stats);
