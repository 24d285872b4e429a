// SPDX-License-Identifier: MIT
#pragma once
// A connection of a command that may wait: one statement after another, each to its end, with no
// loop and no time-out of ours; a user who has waited long enough interrupts the program, and what
// was not committed is undone. For what db/pool.h has not: results that are larger than memory, and
// transactions of several statements.
//
// Statements and parameters are those of db/query.h; results come in the binary format and are
// valid until the next call. After a failure `reason` says why, in one sentence without a secret.

#include <libpq-fe.h>
#include <stdbool.h>

#include "base/status.h"
#include "db/params.h"
#include "db/query.h"

#define DB_SESSION_REASON_LENGTH 320

struct db_session {
    PGconn *pg;
    PGresult *result; // what was answered last
    bool is_reached;  // false with GW_UNAVAILABLE: there is no server, or it does not let us in
    bool is_in_doubt; // what was committed may not last
    char reason[DB_SESSION_REASON_LENGTH];
};

// GW_INVALID: the URL. GW_UNAVAILABLE: no connection. Then there is nothing to close.
enum gw_status db_session_open(struct db_session *session, const char *url) GW_MUST_USE;
void db_session_close(struct db_session *session);

// GW_OK: *result has the rows. GW_BUSY, GW_CONFLICT, GW_INVALID: as in db/query.h. GW_UNAVAILABLE:
// the connection is lost, or the server could not promise that what it did will last: look before
// it is done again. Frees the arrays of `params` in any case.
enum gw_status db_session_run(struct db_session *session, const struct db_statement *statement,
                              struct db_params *params, const PGresult **result) GW_MUST_USE;

// ---- results of any size ----

// Opens a transaction that reads one snapshot, for as long as it takes, and sends the statement.
enum gw_status db_session_read(struct db_session *session, const struct db_statement *statement,
                               struct db_params *params) GW_MUST_USE;
// The next row, alone in *row; GW_NOT_FOUND: there are no more, and the transaction is over. After
// a failure the session can only be closed.
enum gw_status db_session_next(struct db_session *session, const PGresult **row) GW_MUST_USE;
