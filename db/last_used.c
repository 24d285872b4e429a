// SPDX-License-Identifier: MIT
#include "db/last_used.h"

#include "db/result.h"

const struct db_statement db_last_used_statement = {
    .name = "last_used_write",
    .sql = "select skillreg.last_used_write($1::text[], $2::timestamptz[])",
    .parameter_count = 2,
    .kind = DB_STATEMENT_NOTE,
};

enum column { COLUMN_ROWS_WRITTEN };

static void on_last_used_done(struct db_query *query, enum gw_status status,
                              const PGresult *result) {
    struct db_last_used_write *write = gw_container_of(query, struct db_last_used_write, query);
    uint64_t written = 0;
    if (status == GW_OK)
        written = db_get_number(result, 0, COLUMN_ROWS_WRITTEN);
    write->on_done(write, status, written);
}

static void put_ids(struct db_params *params, const struct gw_str *ids, size_t count) {
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += ids[i].length;
    db_put_array(params, DB_ARRAY_TEXT, count, bytes);
    for (size_t i = 0; i < count; i++)
        db_add_text(params, ids[i]);
}

static void put_times(struct db_params *params, const int64_t *times_ms, size_t count) {
    db_put_array(params, DB_ARRAY_TIMESTAMPTZ, count, count * DB_TIME_BYTES);
    for (size_t i = 0; i < count; i++)
        db_add_time(params, times_ms[i]);
}

enum gw_status db_last_used_write(struct db_pool *pool, struct db_last_used_write *write) {
    gw_assert(write->count > 0);
    struct db_query *query = &write->query;
    struct db_params *params = db_query_start(query, &db_last_used_statement, on_last_used_done);
    put_ids(params, write->ids, (size_t)write->count);
    put_times(params, write->used_ms, (size_t)write->count);
    return db_pool_submit(pool, query);
}
