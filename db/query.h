// SPDX-License-Identifier: MIT
#pragma once
// One statement on its way to PostgreSQL and back. The owner embeds struct db_query in its own
// request struct and gets back to it with gw_container_of: db_query_start, then the parameters
// (db/params.h), then db_pool_submit. on_done is called exactly once, never inside the call that
// submitted the query, and is the pool's last touch of the query: the owner may free it there.

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/status.h"
#include "db/params.h"

#define GW_DB_QUERY_TIMEOUT_MS 5000

// What a statement may wait for at the server.
enum db_statement_kind {
    DB_STATEMENT_READ,   // no lock that another transaction may hold for long
    DB_STATEMENT_CHANGE, // locks of rows and of the log, while a client waits for the answer
    DB_STATEMENT_NOTE,   // the same locks, written in the background
    DB_STATEMENT_KIND_COUNT
};

// Prepared on each connection before its first use there; `name` is unique in the process.
struct db_statement {
    const char *name;
    const char *sql;
    int parameter_count;
    enum db_statement_kind kind;
};

struct db_query {
    struct gw_list link; // of the pool or the connection that has it
    const struct db_statement *statement;
    struct db_params params; // what they hold on the heap is freed when the query has ended
    // Results come in the binary format. GW_OK: `result` holds the rows, valid during the call.
    // GW_UNAVAILABLE: connection lost, timed out, server shutting down or in recovery: the
    // statement may or may not have run. GW_BUSY: it waited for another transaction until its time
    // was over, and did nothing. GW_CONFLICT: unique_violation. GW_INVALID: any other error of the
    // server (logged once, by the pool). `result` is NULL unless GW_OK.
    void (*on_done)(struct db_query *query, enum gw_status status, const PGresult *result);
    // The pool's from here on.
    struct db_conn *conn; // where it is in flight
    uint64_t deadline_ms; // 0: it has ended
    uint64_t sent_ms;
    uint64_t repeat_ms; // when it is tried again; 0: not resting
    int repeats;
    bool is_right_missing;  // the role may not: nothing was done
    bool is_lost;           // with its connection, whose end was no fault of the statement
    enum gw_status outcome; // of one that ended without an answer
};

// A query that is not on its way (all zero at first) becomes one of `statement`, still without
// parameters.
static inline struct db_params *db_query_start(
    struct db_query *query, const struct db_statement *statement,
    void (*on_done)(struct db_query *query, enum gw_status status, const PGresult *result)) {
    gw_assert(query->link.next == NULL || gw_list_is_empty(&query->link));
    gw_list_init(&query->link);
    query->statement = statement;
    query->on_done = on_done;
    db_params_init(&query->params);
    return &query->params;
}
