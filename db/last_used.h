// SPDX-License-Identifier: MIT
#pragma once
// Last uses of many tokens in one statement, in the background. Rules of calls as in db/tokens.h.

#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "db/pool.h"
#include "db/query.h"

extern const struct db_statement db_last_used_statement;

// Never moves a time backwards, and takes none that is later than the clock of the database by more
// than seconds: that one is written as now. Skips unknown tokens.
struct db_last_used_write {
    struct db_query query;
    // Parallel arrays, sorted by id so that two gateways cannot deadlock. Free to change once the
    // call has returned.
    const struct gw_str *ids;
    const int64_t *used_ms;
    int count; // at least 1
    void (*on_done)(struct db_last_used_write *write, enum gw_status status, uint64_t rows_written);
};
// GW_INVALID: PostgreSQL has no such time.
enum gw_status db_last_used_write(struct db_pool *pool,
                                  struct db_last_used_write *write) GW_MUST_USE;
