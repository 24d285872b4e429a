// SPDX-License-Identifier: MIT
#pragma once
// Statements that wait for a lock, and the transactions in their way. It watches the connections
// that carry such statements. While one is unanswered for GW_DB_WAIT_NOTED_MS or longer it asks,
// every GW_DB_WAIT_LOOK_MS, which transactions stand at the head of the line; its owner sends the
// question over a connection that waits for nothing, and the log names each transaction: its
// process, role, application, and what it does since when. Never in an answer to a client: whose
// session that is concerns the operator alone.

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "db/query.h"

#define GW_DB_WAIT_NOTED_MS 500 // until the server is asked which session is in the way
#define GW_DB_WAIT_LOOK_MS 1000 // until it is asked again
#define GW_DB_WAIT_LOG_MS 30000 // until the same session is in the log again

struct db_conn;

#define DB_BLOCKED_MAX 8 // connections that are watched

extern const struct db_statement db_blockers_statement;

struct db_blockers_stats {
    int waiting;           // now
    uint64_t waiting_ms;   // the longest of these
    int blocker_pid;       // the PostgreSQL process in their way; 0: unknown
    uint64_t waited_total; // since the start, those that are over
    uint64_t waited_ms_total;
};

struct db_blockers {
    struct db_query query; // the question, for the owner to submit
    void (*on_done)(struct db_query *query, enum gw_status status, const PGresult *result);
    bool is_prepared; // the question: without it nothing is watched
    const struct db_conn *conns[DB_BLOCKED_MAX];
    int conn_count;
    uint64_t looked_ms; // when the question was due last
    char pids[DB_BLOCKED_MAX * 12 + 2];
    int pid;        // the first of the last answer; 0: it had none, or there is no answer yet
    int logged_pid; // the last in the log, and when
    uint64_t logged_ms;
    uint64_t waited_total;
    uint64_t waited_ms_total;
};

// `on_done` of the question hands its answer to db_blockers_take. Watches nothing when
// db_blockers_statement is not among the `count` statements that its owner prepares.
void db_blockers_init(struct db_blockers *blockers, const struct db_statement *const *statements,
                      int count,
                      void (*on_done)(struct db_query *query, enum gw_status status,
                                      const PGresult *result));
// Connections past DB_BLOCKED_MAX are not watched. `conn` has one statement in flight at a time.
void db_blockers_watch(struct db_blockers *blockers, const struct db_conn *conn);
// When db_blockers_look is next due; UINT64_MAX: nothing is in flight.
uint64_t db_blockers_due_ms(const struct db_blockers *blockers);
// True: it is time, something waits, and `query` is now the question.
bool db_blockers_look(struct db_blockers *blockers, uint64_t now_ms);
// The same one is named in the log again after GW_DB_WAIT_LOG_MS.
void db_blockers_take(struct db_blockers *blockers, enum gw_status status, const PGresult *result,
                      uint64_t now_ms);
// The answer to a statement on a watched connection has come.
void db_blockers_note_answer(struct db_blockers *blockers, const struct db_query *query,
                             enum gw_status status, uint64_t now_ms);
void db_blockers_count(const struct db_blockers *blockers, uint64_t now_ms,
                       struct db_blockers_stats *stats);
