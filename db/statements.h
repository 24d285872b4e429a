// SPDX-License-Identifier: MIT
#pragma once
// The statements that a pool of the gateway prepares: db_pool_options.statements. Those of the
// listener (db/events.h) are its own.

#include "db/query.h"

extern const struct db_statement *const db_statements[];
extern const int db_statement_count;
