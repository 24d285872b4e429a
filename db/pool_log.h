// SPDX-License-Identifier: MIT
#pragma once
// What a pool says in the log, each thing once while it lasts: why it has no connection, which
// statements the server refuses, and what an operator has to do about it.

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "db/pg_conn.h"
#include "db/query.h"
#include "db/sql_error.h"

#define DB_POOL_LOG_REASONS_MAX 8

struct db_pool_log {
    char last_reason[DB_CONN_REASON_LENGTH];   // empty: connected
    bool was_reached;                          // in the attempt of last_reason
    uint32_t reasons[DB_POOL_LOG_REASONS_MAX]; // checksums of those told since the last connection
    int reason_count;
    char sqlstate[DB_SQLSTATE_LENGTH + 1]; // told last, and when
    uint64_t sqlstate_ms;
};

void db_pool_log_down(struct db_pool_log *log, const struct db_conn *conn, int ready);
void db_pool_log_up(struct db_pool_log *log);
// True for a number of the event log or the audit that is there already: no change can be made
// until an operator sets that right. Not the doing of whoever asked for the change.
bool db_pool_log_is_number_taken(const PGresult *error);
// Of an error that is the statement's own fault, not of the connection.
void db_pool_log_error(struct db_pool_log *log, const struct db_statement *statement,
                       const PGresult *error, uint64_t now_ms);
