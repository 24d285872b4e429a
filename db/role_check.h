// SPDX-License-Identifier: MIT
#pragma once
// What must be set for the role of the gateway: its isolation, and a statement time-out below our
// own patience. A session cannot set these for itself behind a pooler that hands its transactions
// to other servers, and a function cannot, because they hold before it begins. So each connection
// asks once what holds, and the log has each difference once.

#include <libpq-fe.h>

#include "db/once.h"

// Shared by the connections of a process; all zero at first.
struct db_role_check {
    struct db_once logged; // differences
};

extern const char db_role_check_sql[];

#define DB_ROLE_DIFFERENCES_MAX 2
#define DB_ROLE_DIFFERENCE_BYTES 128

struct db_role_differences {
    int count;
    // "statement_timeout_ms=0 wanted=..."
    char at[DB_ROLE_DIFFERENCES_MAX][DB_ROLE_DIFFERENCE_BYTES];
};

// The answer, in the binary format, against what is wanted.
void db_role_check_compare(const PGresult *result, struct db_role_differences *differences);
// The same, and logs them.
void db_role_check_take(struct db_role_check *check, const PGresult *result);
