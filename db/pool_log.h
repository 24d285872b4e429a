// SPDX-License-Identifier: MIT
#pragma once
// The lines of a pool in the log: why it has no connection, which statements the server refuses,
// and what an operator has to do about it. What is refused again and again, as by a full disk, is
// one line, and one when it runs again.

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "db/query.h"
#include "db/sql_error.h"

#define DB_POOL_LOG_MAX 16
// A refusal that comes this long after the last one of its kind is another.
#define DB_POOL_LOG_QUIET_MS 60000

struct db_refusals {
    const struct db_statement *statement; // NULL: none
    char sqlstate[DB_SQLSTATE_LENGTH + 1];
    uint64_t last_ms;
    uint64_t count; // since it was logged; 0: it runs again
};

// All zero at first.
struct db_pool_log {
    struct db_refusals refusals[DB_POOL_LOG_MAX]; // statements times SQLSTATEs
    int running;                                  // of those with a count
};

// `ready`: connections that are up.
void db_pool_log_down(const char *reason, int ready);
void db_pool_log_up(void);
// True for a number of the event log or the audit that is there already: no change can be made
// until an operator sets that right. The client that asked for the change did not cause it.
bool db_pool_log_is_number_taken(const PGresult *error);
// For an error of the statement, not of the connection. `error` may be NULL: nothing to say.
void db_pool_log_error(struct db_pool_log *log, const struct db_statement *statement,
                       const PGresult *error, uint64_t now_ms);
// The statement ran.
void db_pool_log_success(struct db_pool_log *log, const struct db_statement *statement);
