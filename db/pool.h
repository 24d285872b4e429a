// SPDX-License-Identifier: MIT
#pragma once
// A few long-lived connections to PostgreSQL on the loop, in pipeline mode. The pool starts without the database,
// connects by itself (backoff with jitter), and loses nothing but the statements that were in flight.
// Submitted queries go to the least busy ready connection, each followed by a Sync of its own, so that one error
// aborts nothing else; what was submitted in one loop turn leaves in one write. With no room they wait in a bounded queue; past
// it, or past their deadline, they end as GW_UNAVAILABLE.

#include <stdbool.h>
#include <uv.h>

#include "base/status.h"
#include "db/query.h"

struct db_pool;

struct db_pool_options {
    const char *url; // libpq URI or conninfo, copied; several hosts allowed
    int connections;
    int queue_max;
    uint64_t query_timeout_ms;
    uint64_t connect_timeout_ms;
    // Statements prepared on each new connection before it is ready; static storage.
    const struct db_statement *const *statements;
    int statement_count;
};

// GW_INVALID: libpq cannot read the URL. GW_NO_MEMORY.
enum gw_status db_pool_create(uv_loop_t *loop, const struct db_pool_options *options,
                              struct db_pool **pool) GW_MUST_USE;
// Ends every query as GW_UNAVAILABLE, closes the connections, then calls on_closed (may be NULL) and frees the pool.
void db_pool_close(struct db_pool *pool, void (*on_closed)(struct db_pool *pool));

// GW_UNAVAILABLE: queue full or the pool is closing; on_done will not be called.
enum gw_status db_pool_submit(struct db_pool *pool, struct db_query *query) GW_MUST_USE;
// on_done will not be called any more. A statement in flight still runs. Harmless for a query that is done or was
// never submitted, provided its link was initialised with gw_list_init.
void db_pool_cancel(struct db_pool *pool, struct db_query *query);

// Sends what was submitted so far. The pool does so by itself before the loop sleeps; for those who submit as late as
// that. Calls nothing back.
void db_pool_flush(struct db_pool *pool);

// True when at least one connection is up, with its statements prepared.
bool db_pool_is_ready(const struct db_pool *pool);

// True when connections are up and each has something to do already: what is submitted now waits behind it.
bool db_pool_is_busy(const struct db_pool *pool);

// Why there is no connection, one line without a secret, and whether a server was reached at all; NULL while one is up or
// none has failed yet. Valid until the loop runs on.
const char *db_pool_trouble(const struct db_pool *pool, bool *is_reached);

struct db_pool_stats {
    int connections_ready;
    int queries_in_flight;
    int queries_queued;
    uint64_t queries_total;
    uint64_t queries_failed_total;
    uint64_t connects_total;
    uint64_t disconnects_total;
};
void db_pool_stats(const struct db_pool *pool, struct db_pool_stats *stats);
