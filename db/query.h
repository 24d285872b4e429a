// SPDX-License-Identifier: MIT
#pragma once
// One statement on its way to PostgreSQL and back. The owner embeds struct db_query in its own
// request struct and gets back to it with gw_container_of. Parameters belong to the owner and must
// stay as they are until on_done was called (or the query was cancelled). on_done is called exactly
// once, never inside the call that submitted the query, and is the pool's last touch of the query:
// the owner may free it there.

#include <libpq-fe.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/status.h"

// What a statement may wait for at the server.
enum db_statement_kind {
    DB_STATEMENT_READ,   // no lock that another transaction may hold for long
    DB_STATEMENT_CHANGE, // locks of rows and of the log: asked for by somebody who waits for the
                         // answer
    DB_STATEMENT_NOTE,   // the same, written in the background
    DB_STATEMENT_KIND_COUNT
};

// Prepared on each connection before its first use there; `name` is unique in the process.
struct db_statement {
    const char *name;
    const char *sql;
    int parameter_count;
    enum db_statement_kind kind;
};

#define DB_QUERY_PARAMETERS_MAX 12

struct db_query {
    struct gw_list link; // the pool's
    const struct db_statement *statement;
    const char *values[DB_QUERY_PARAMETERS_MAX]; // NULL = SQL null
    int lengths[DB_QUERY_PARAMETERS_MAX];        // of binary values
    int formats[DB_QUERY_PARAMETERS_MAX];        // 0 text, 1 binary
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
    enum gw_status outcome; // of one that ended without an answer
};
