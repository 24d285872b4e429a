// SPDX-License-Identifier: MIT
#pragma once
// How far the log skillreg.token_event was applied, and what its rows mean to the consumer. No
// connection, no I/O: the statements, and what to make of their answers. db/events.h drives this.
//
// Each page begins with the last row applied, again: as long as that row is there, unchanged,
// nothing after it was missed. If it is not, rows were deleted before they were read here, or the
// log is an older one (a restored database, a replica that took over without the newest rows): a
// gap.

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "db/event.h"
#include "db/query.h"

#define DB_EVENT_LOG_PAGE_ROWS 1000

struct db_event_log {
    struct db_events_consumer *consumer; // NULL: no event is handed out any more
    bool is_known;                       // where the log stood at some time
    uint64_t applied_seq;                // 0: the log was empty
    int64_t applied_at;                  // of that row, as PostgreSQL writes it
};

enum db_event_log_state {
    DB_EVENT_LOG_CURRENT, // every row there was is applied
    DB_EVENT_LOG_BEHIND,  // the page was full: ask for the next
    DB_EVENT_LOG_GAP      // ask for the newest row
};

// The newest row, if there is one.
extern const struct db_statement db_event_log_newest_statement;
// The last row applied, and those after it; db_event_log_put puts its parameter.
extern const struct db_statement db_event_log_page_statement;

void db_event_log_put(const struct db_event_log *log, struct db_params *params);
// Skips everything up to the newest row: on_gap, except for the first time, when nothing can be
// outdated yet.
void db_event_log_take_newest(struct db_event_log *log, const PGresult *result);
// Hands the rows to the consumer, which may end that by setting log->consumer to NULL.
enum db_event_log_state db_event_log_take_page(struct db_event_log *log, const PGresult *result);
