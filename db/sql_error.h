// SPDX-License-Identifier: MIT
#pragma once
// What an error of PostgreSQL means for its query and its connection. Pure: no connection, no I/O.
// The classes are those of the PostgreSQL manual, appendix "Error Codes".

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

#define DB_SQLSTATE_LENGTH 5

struct db_sql_error {
    enum gw_status status;
    // The connection is useless: its server is going away, was demoted, or lost the prepared
    // statements.
    bool drops_connection;
};

// `sqlstate` may be NULL, as in an error that libpq made itself: then the connection is gone.
struct db_sql_error db_sql_error_judge(const char *sqlstate);

// True: the statement was undone for the sake of another transaction, and may succeed a moment
// later.
bool db_sql_error_may_repeat(const char *sqlstate);

// The role lacks a right: what there is to do about it, behind the reason.
#define DB_SQL_ERROR_OWNER "; connect as the owner of the schema, not as the gateway's role"
bool db_sql_error_is_right_missing(const char *sqlstate);

// A message beside an answer says that what was committed may not last: the wait for a synchronous
// standby was cancelled, and the commit "succeeds". Any warning of a commit counts. One that a
// function or a trigger raised has a context, and is its own affair.
bool db_sql_error_is_doubt(const PGresult *notice);

// A message of libpq as one line: line feeds become "; ", control bytes spaces, cut to `length`;
// "unknown reason" for an empty one. `message` may be NULL.
void db_sql_error_sentence(const char *message, char *out, size_t length);
