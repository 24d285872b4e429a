// SPDX-License-Identifier: MIT
#pragma once
// The lines of a pool in the log: why it has no connection, which statements the server refuses,
// and what an operator has to do about it.

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "db/query.h"
#include "db/sql_error.h"

struct db_pool_log {
    char sqlstate[DB_SQLSTATE_LENGTH + 1]; // logged last, and when
    uint64_t sqlstate_ms;
};

// `ready`: connections that are up.
void db_pool_log_down(const char *reason, int ready);
void db_pool_log_up(void);
// True for a number of the event log or the audit that is there already: no change can be made
// until an operator sets that right. The client that asked for the change did not cause it.
bool db_pool_log_is_number_taken(const PGresult *error);
// For an error of the statement, not of the connection; the same SQLSTATE once a second.
void db_pool_log_error(struct db_pool_log *log, const struct db_statement *statement,
                       const PGresult *error, uint64_t now_ms);
