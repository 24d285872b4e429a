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
// Its answer, in the binary format.
void db_role_check_take(struct db_role_check *check, const PGresult *result);
