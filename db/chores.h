// SPDX-License-Identifier: MIT
#pragma once
// What every gateway does for the database now and then, over the connection that listens for
// events (db/events.h): old events are deleted, minted tokens that ended a day ago, and logins that
// nobody picked up; the ends of tokens that ended by themselves are noted in the audit. Whichever
// gateway comes first does it; the schema keeps the others from doing it again.
//
// A chore is bounded: one that did as much as it may at once goes on in the next round, the others
// wait for their time. One that is refused (a grant is missing) is logged and tried again then.

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "db/link.h"

#define DB_CHORE_COUNT 4

// For the list of the link's statements.
extern const struct db_statement db_chore_prune_statement;
extern const struct db_statement db_chore_expiry_statement;
extern const struct db_statement db_chore_exchanges_statement;
extern const struct db_statement db_chore_logins_statement;

struct db_chore {
    struct db_query query;
    uint64_t due_ms;
};

struct db_chores {
    struct db_chore all[DB_CHORE_COUNT];
};

// All are due.
void db_chores_init(struct db_chores *chores);
// Sends those that are due over a link that is up.
void db_chores_run(struct db_chores *chores, struct db_link *link, uint64_t now_ms);
// The answer to `query`; false: it is no chore.
bool db_chores_take(struct db_chores *chores, const struct db_query *query, const PGresult *result);
// The failure of `query`; false: it is no chore.
bool db_chores_refuse(const struct db_chores *chores, const struct db_query *query,
                      const PGresult *error);
